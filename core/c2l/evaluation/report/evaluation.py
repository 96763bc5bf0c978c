"""The report of one evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from c2l.evaluation.estimates import Estimate
from c2l.evaluation.metrics import METRICS, Metric
from c2l.evaluation.report.curves import Point, chart
from c2l.evaluation.report.html import fields, grid, page, picture, table
from c2l.evaluation.result import Cost, Evaluation, Outcome

PICTURES_IN_ROW = 8
_HEADLINE = ("accuracy", "alignment/own", "diversity/own", "cmmd/own", "coverage/own")


def report_page(evaluation: Evaluation) -> str:
    """An evaluation as one HTML document that needs nothing else."""
    return page(f"{evaluation.name} - c2l evaluation", _body(evaluation))


def cell(metric: Metric, estimate: Estimate | None) -> str:
    """A value and its standard error."""
    if estimate is None:
        return '<span class="e">-</span>'
    value, _, error = metric.text(estimate).partition(" ± ")
    return value + (f' <span class="e">± {error}</span>' if error else "")


def strip(evaluation: Evaluation, variant: int, prompt: int) -> str:
    """The pictures of one prompt by one variant, the best one framed."""
    num = evaluation.settings["num_images"]
    start = (variant * len(evaluation.settings["prompts"]) + prompt) * num
    out = []
    for j, data in enumerate(evaluation.pictures[variant][prompt][:PICTURES_IN_ROW]):
        row = evaluation.rows[start + j]
        caption = f"{row['own']:.3f} · seed {row['seed']}"
        if "named" in row:
            missed = [n.replace("_", " ") for n, v in row["named"].items() if row["sees"][n] != v]
            caption += f'<br><span class="bad">not {escape(", ".join(missed))}</span>' * bool(
                missed
            )
        alt = f"{row['prompt']}, seed {row['seed']}"
        out.append(picture(data, caption, alt=alt, best=row["best"] and num > 1))
    return f'<div class="strip">{"".join(out)}</div>'


def in_row(evaluation: Evaluation) -> int:
    """How many pictures of a prompt are shown."""
    return min(int(evaluation.settings["num_images"]), PICTURES_IN_ROW)


def _body(e: Evaluation) -> Iterator[str]:
    s = e.settings
    embedders = escape(s["embedder"]["reference"])
    if s["independent"]:
        embedders += f", and {escape(s['independent']['reference'])}, which is independent"
    yield f"<h1>{escape(e.name)}</h1>"
    yield (
        f'<p class="soft">{escape(s["prior"]["reference"])} draws with '
        f"{escape(s['generator']['reference'])}, seen by {embedders}.<br>"
        f"{len(s['prompts'])} prompts, {s['num_images']} pictures of each, compared with "
        f"{s['num_reference']:,} pictures of the generator's own. ± is one standard error, over "
        "prompts.</p>"
    )
    yield _tiles(e.variants[0])
    yield "<h2>Scores</h2>"
    yield _scores(e)
    if s["num_images"] > 1:
        yield (
            f"<p><small>Best of N: of {s['num_images']} pictures, the one that the recipe's own "
            "embedder likes most, whoever scores it. Random latents: pictures that know nothing of "
            "the prompts"
            + (
                "; true drawings: pictures that are right by construction, so what is missing "
                "there is the judge's own error"
                if any(b.label == "true drawings" for b in e.baselines)
                else ""
            )
            + ".</small></p>"
        )
    for axis, other in (("guidance", "steps"), ("steps", "guidance")):
        if charts := "".join(_curves(e, axis, other)):
            yield f'<h2>By {axis}</h2><div class="panels">{charts}</div>'
    if e.variants[0].by_attribute:
        yield "<h2>Attribute by attribute</h2>"
        yield _bars(e.variants[0])
    yield "<h2>Cost</h2>"
    yield _cost(e)
    yield "<h2>Pictures</h2>"
    yield from _pictures(e)
    yield "<h2>What the numbers mean</h2>"
    used = [name for name in METRICS if any(name in v.scores for v in e.variants)]
    yield f'<div class="panel">{fields((_full(n), METRICS[n].meaning) for n in used)}</div>'
    yield "<h2>Settings</h2>"
    yield from _settings(e)


def _tiles(outcome: Outcome) -> str:
    out = []
    for name in _HEADLINE:
        if name in outcome.scores:
            value, _, error = METRICS[name].text(outcome.scores[name]).partition(" ± ")
            out.append(_tile(_full(name), value, error))
    if outcome.cost:
        out.append(_tile("milliseconds for one picture", f"{outcome.cost.total:.0f}", ""))
    return f'<div class="tiles">{"".join(out)}</div>'


def _tile(title: str, value: str, error: str) -> str:
    error = f"<i>± {error}</i>" if error else ""
    return f'<div class="tile"><b>{value}{error}</b><span>{escape(title)}</span></div>'


def _full(name: str) -> str:
    """A title that stands alone: ``… best of N`` with what it is of."""
    title = METRICS[name].title
    if not title.startswith("…"):
        return title
    return f"{METRICS[name.removesuffix('/best')].title} {title.removeprefix('… ').rstrip(', %')}"


def _scores(e: Evaluation) -> str:
    outcomes = (*e.variants, *e.baselines)
    rows = []
    for name, metric in METRICS.items():
        if any(name in o.scores for o in e.variants):
            cells = [cell(metric, o.scores.get(name)) for o in outcomes]
            arrow = {True: " ↑", False: " ↓", None: ""}[metric.higher]
            title = (
                escape(metric.named(e.settings["num_images"])) + f'<span class="e">{arrow}</span>'
            )
            rows.append(("", [title, *cells]))
    return table(["", *(o.label for o in outcomes)], rows)


def _curves(e: Evaluation, axis: str, other: str) -> Iterator[str]:
    """Each score that a sweep is about, over what was swept; a line for each value of the other."""
    wanted = ("accuracy", "alignment/own", "alignment/independent", "diversity/own",
              "diversity/latents", "cmmd/own", "cmmd/independent", "coverage/own")  # fmt: skip
    if len({getattr(v, axis) for v in e.variants}) < 2:
        return
    for name in wanted:
        if name not in e.variants[0].scores:
            continue
        factor = 100 if METRICS[name].percent else 1
        lines: dict[str, list[Point]] = {}
        for v in e.variants:
            x, fixed, score = getattr(v, axis), getattr(v, other), v.scores[name]
            if x is not None:
                error = None if score.error is None else factor * score.error
                line = lines.setdefault(f"{other} {fixed:g}" if fixed is not None else "", [])
                line.append(Point(x, factor * score.value, error))
        if lines:
            yield chart(METRICS[name].title, axis, lines, doubling=axis == "steps")


def _bars(outcome: Outcome) -> str:
    metric = METRICS["accuracy"]
    rows = "".join(
        f"<label>{escape(name.replace('_', ' '))}</label>"
        f'<div><i style="width:{100 * estimate.value:.1f}%"></i></div>'
        f"<span>{metric.text(estimate)} %, named by {len(estimate.per_prompt)}</span>"
        for name, estimate in outcome.by_attribute.items()
    )
    return f'<div class="panel bars">{rows}</div>'


def _cost(e: Evaluation) -> str:
    costs = [(v.label, v.cost) for v in e.variants if v.cost]
    stages = list(dict.fromkeys(stage for _, cost in costs for stage in cost.alone))
    head = ["ms, one picture alone (in batches)", *stages, "total", "evaluations", "passes"]
    rows = [
        (
            "",
            [
                escape(label),
                *(_milliseconds(cost, stage) for stage in stages),
                f"{cost.total:.1f}",
                str(cost.evaluations),
                str(cost.passes),
            ],
        )
        for label, cost in costs
    ]
    _, first = costs[0]
    sizes = ", ".join(f"{name} {num / 1e6:.2f} M" for name, num in first.parameters.items())
    memory = f"; peak memory {first.peak_memory / 2**20:,.0f} MiB" if first.peak_memory else ""
    return table(head, rows) + (
        f"<p><small>On {escape(e.settings['device'])}. Evaluations are calls of the prior's "
        "network for one picture and all its candidates; passes count a call with guidance as "
        f"two. Parameters, statistics included: {sizes}{memory}.</small></p>"
    )


def _milliseconds(cost: Cost, stage: str) -> str:
    if stage not in cost.alone:
        return "-"
    batches = cost.in_batches.get(stage)
    return f"{cost.alone[stage]:.1f}" + (
        f' <span class="e">({batches:.1f})</span>' if batches is not None else ""
    )


def _pictures(e: Evaluation) -> Iterator[str]:
    shown = len(e.pictures[0])
    yield (
        f"<p><small>The first {shown} prompts. Below each picture: cosine by the recipe's own "
        "embedder, the seed, and what the judge misses. Framed: the best by that embedder.</small>"
        "</p>"
    )
    several = len(e.variants) > 1
    cells = []
    for i in range(shown):
        rows = (
            f'<div class="row">{f"<span>{escape(v.label)}</span>" if several else ""}'
            f"{strip(e, k, i)}</div>"
            for k, v in enumerate(e.variants)
        )
        cells.append(f"<h3>{escape(e.settings['prompts'][i])}</h3>{''.join(rows)}")
    yield grid(cells, in_row(e), labelled=several)


def _settings(e: Evaluation) -> Iterable[str]:
    s = e.settings
    values: list[tuple[str, object]] = [("recipe", s["recipe"])]
    for role in ("prior", "generator", "embedder", "independent"):
        if part := s[role]:
            values.append((role, f"{part['reference']} ({part['fingerprint'][:16]})"))
            values.append((f"{role}, settings", _pairs(part["settings"])))
    values += [
        ("judge", s["judge"]),
        ("sampling", _pairs(s["sampling"])),
        ("variants", "; ".join(v.label for v in e.variants)),
        ("pictures of each prompt", s["num_images"]),
        ("first seed", s["seed"]),
        ("reference pictures", s["num_reference"]),
        ("Inception", _pairs(s["inception"] or {})),
        ("device", s["device"]),
        ("versions", _pairs(s["versions"])),
    ]
    lines = "".join(f"<li>{escape(prompt)}</li>" for prompt in s["prompts"])
    yield f"<details open><summary>Everything</summary>{fields(values)}</details>"
    yield (f"<details><summary>All {len(s['prompts'])} prompts</summary><ol>{lines}</ol></details>")


def _pairs(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
