"""The report of finished runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from c2l.evaluation.compare import Comparison
from c2l.evaluation.estimates import Difference, p_text
from c2l.evaluation.metrics import METRICS, Metric
from c2l.evaluation.report.html import grid, page, table
from c2l.evaluation.report.parts import NOTHING, heading, num_in_row, score, strip, with_error

_SIGNIFICANT = 0.01


def comparison_page(comparison: Comparison) -> str:
    """A comparison as one HTML document that needs no other file."""
    return page("c2l evaluations compared", _body(comparison))


def _body(c: Comparison) -> Iterator[str]:
    first = c.runs[0].settings
    labels = [column.label for column in c.columns]
    title = " · ".join(labels) if len(labels) < 4 else f"{len(labels)} variants compared"
    yield f"<h1>{escape(title)}</h1>"
    yield (
        f'<p class="soft">{len(first["prompts"])} prompts, {first["num_images"]} pictures of each, '
        f"with the same seeds. Differences are from {escape(labels[0])}, prompt by prompt; ± is "
        "one standard error, p is that of a paired t-test. A difference is coloured where p is "
        f"below {_SIGNIFICANT}; about one in a hundred is so by chance.</p>"
    )
    for note in c.notes:
        yield f'<p class="bad">{escape(note[:1].upper() + note[1:])}.</p>'
    yield "<h2>Scores</h2>"
    yield _scores(c)
    yield "<h2>Cost</h2>"
    yield _costs(c)
    yield "<h2>Pictures</h2>"
    cells = []
    for i in range(min(len(shown) for run in c.runs for shown in run.pictures)):
        strips = (
            f'<div class="row"><span>{escape(column.label)}</span>'
            f"{strip(c.runs[column.run], column.variant, i)}</div>"
            for column in c.columns
        )
        cells.append(f"<h3>{escape(first['prompts'][i])}</h3>{''.join(strips)}")
    yield grid(cells, num_in_row(c.runs[0]), labelled=True)


def _scores(c: Comparison) -> str:
    first, *others = c.columns
    num = c.runs[0].settings["num_images"]
    head = ["", first.label]
    for column in others:
        head += [column.label, "difference", "p"]
    rows = []
    for name in c.scores:
        metric = METRICS[name]
        cells = [heading(metric, num), score(metric, first.outcome.scores[name])]
        for column, differences in zip(others, c.differences, strict=True):
            difference = differences[name]
            cells += [
                score(metric, column.outcome.scores[name]),
                _difference(metric, difference),
                escape(p_text(difference.p)),
            ]
        rows.append(cells)
    return table(head, rows)


def _costs(c: Comparison) -> str:
    costs = [(column.label, column.outcome.cost) for column in c.columns if column.outcome.cost]
    stages = list(dict.fromkeys(stage for _, cost in costs for stage in cost.alone))
    head = ["ms, one picture", *stages, "total", "prior evaluations", "prior parameters"]
    rows = [
        [
            escape(label),
            *(f"{cost.alone[s]:.1f}" if s in cost.alone else NOTHING for s in stages),
            f"{cost.total:.1f}",
            str(cost.evaluations),
            f"{cost.parameters['prior'] / 1e6:.2f} M",
        ]
        for label, cost in costs
    ]
    return table(head, rows)


def _difference(metric: Metric, difference: Difference) -> str:
    kind = ""
    if metric.higher is not None and difference.p is not None and difference.p < _SIGNIFICANT:
        kind = "good" if (difference.value > 0) == metric.higher else "bad"
    return with_error(metric.difference_text(difference).replace("-", "−"), kind)  # noqa: RUF001
