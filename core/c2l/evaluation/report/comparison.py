"""Runs side by side, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from c2l.evaluation.compare import Comparison
from c2l.evaluation.estimates import Difference, p_text
from c2l.evaluation.metrics import METRICS, Metric
from c2l.evaluation.report.evaluation import cell, in_row, strip
from c2l.evaluation.report.html import grid, page, table

_SURE = 0.01


def comparison_page(comparison: Comparison) -> str:
    """A comparison as one HTML document that needs nothing else."""
    return page("c2l evaluations compared", _body(comparison))


def _body(c: Comparison) -> Iterator[str]:
    first = c.runs[0].settings
    labels = [column.label for column in c.columns]
    heading = " · ".join(labels) if len(labels) < 4 else f"{len(labels)} ways to sample"
    yield f"<h1>{escape(heading)}</h1>"
    yield (
        f'<p class="soft">{len(first["prompts"])} prompts, {first["num_images"]} pictures of each, '
        f"the same seeds in all. Differences are from {escape(labels[0])}, prompt by prompt; ± is "
        "one standard error, p that of a paired t-test. Coloured where p is below "
        f"{_SURE}; with so many scores, one in a hundred is so by chance.</p>"
    )
    for note in c.notes:
        yield f'<p class="bad">{escape(note)}.</p>'
    yield "<h2>Scores</h2>"
    head = ["", labels[0]]
    for label in labels[1:]:
        head += [label, "difference", "p"]
    rows = []
    for name in c.scores:
        metric = METRICS[name]
        cells = [
            escape(metric.named(first["num_images"])),
            cell(metric, c.columns[0].outcome.scores[name]),
        ]
        for column, some in zip(c.columns[1:], c.differences, strict=True):
            cells.append(cell(metric, column.outcome.scores[name]))
            cells += [_difference(metric, some[name]), escape(p_text(some[name].p))]
        rows.append(("", cells))
    yield table(head, rows)
    yield "<h2>Cost</h2>"
    yield _costs(c)
    yield "<h2>Pictures</h2>"
    cells = []
    for i in range(min(len(some) for run in c.runs for some in run.pictures)):
        strips = (
            f'<div class="row"><span>{escape(column.label)}</span>'
            f"{strip(c.runs[column.run], column.variant, i)}</div>"
            for column in c.columns
        )
        cells.append(f"<h3>{escape(first['prompts'][i])}</h3>{''.join(strips)}")
    yield grid(cells, in_row(c.runs[0]), labelled=True)


def _costs(c: Comparison) -> str:
    costs = [(column.label, column.outcome.cost) for column in c.columns if column.outcome.cost]
    stages = list(dict.fromkeys(stage for _, cost in costs for stage in cost.alone))
    head = ["ms, one picture", *stages, "total", "prior evaluations", "prior parameters"]
    rows = [
        (
            "",
            [
                escape(label),
                *(f"{cost.alone[s]:.1f}" if s in cost.alone else "-" for s in stages),
                f"{cost.total:.1f}",
                str(cost.evaluations),
                f"{cost.parameters['prior'] / 1e6:.2f} M",
            ],
        )
        for label, cost in costs
    ]
    return table(head, rows)


def _difference(metric: Metric, difference: Difference) -> str:
    value, _, error = metric.difference_text(difference).partition(" ± ")
    kind = ""
    if metric.higher is not None and difference.p is not None and difference.p < _SURE:
        kind = "good" if (difference.value > 0) == metric.higher else "bad"
    return f'<span class="{kind}">{value}</span>' + (
        f' <span class="e">± {error}</span>' if error else ""
    )
