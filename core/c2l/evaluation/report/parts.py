"""What the reports of one evaluation and of several share: cells and rows of pictures."""

from __future__ import annotations

from html import escape

from c2l.evaluation.estimates import Estimate
from c2l.evaluation.metrics import Metric
from c2l.evaluation.report.html import picture
from c2l.evaluation.result import Evaluation

MOST_IN_ROW = 8

NOTHING = '<span class="e">-</span>'
"""A cell without a value."""


def heading(metric: Metric, num_images: int) -> str:
    """A score's name as the first cell of a row, with an arrow where one direction is better."""
    arrow = {True: " ↑", False: " ↓", None: ""}[metric.higher]
    title = f'{escape(metric.named(num_images))}<span class="e">{arrow}</span>'
    return f'<span class="sub">{title}</span>' if metric.title.startswith("…") else title


def score(metric: Metric, estimate: Estimate | None) -> str:
    """A value and its standard error."""
    return NOTHING if estimate is None else with_error(metric.text(estimate))


def with_error(text: str, kind: str = "") -> str:
    """``98.3 ± 0.7`` with a smaller error; ``kind`` is the class of the value."""
    value, _, error = text.partition(" ± ")
    value = f'<span class="{kind}">{value}</span>' if kind else value
    return value + (f' <span class="e">± {error}</span>' if error else "")


def strip(evaluation: Evaluation, variant: int, prompt: int) -> str:
    """The pictures of one prompt by one variant, the best one framed."""
    num = evaluation.settings["num_images"]
    start = (variant * len(evaluation.settings["prompts"]) + prompt) * num
    out = []
    for j, data in enumerate(evaluation.pictures[variant][prompt][:MOST_IN_ROW]):
        row = evaluation.rows[start + j]
        caption = f"{row['own']:.3f} · seed {row['seed']}"
        named, seen = row.get("named", {}), row.get("sees", {})
        if missed := [name.replace("_", " ") for name, v in named.items() if seen[name] != v]:
            caption += f'<br><span class="bad">✗ {escape(", ".join(missed))}</span>'
        alt = f"{row['prompt']}, seed {row['seed']}"
        out.append(picture(data, caption, alt=alt, best=row["best"] and num > 1))
    return f'<div class="strip">{"".join(out)}</div>'


def num_in_row(evaluation: Evaluation) -> int:
    """How many pictures ``strip`` shows."""
    return min(int(evaluation.settings["num_images"]), MOST_IN_ROW)
