"""Evaluations and comparisons as plain tables."""

from __future__ import annotations

from c2l.evaluation.compare import Comparison
from c2l.evaluation.estimates import p_text
from c2l.evaluation.metrics import METRICS
from c2l.evaluation.result import Evaluation

Table = tuple[list[str], list[list[str]]]
"""Headings, and rows of as many cells."""


def scores_table(evaluation: Evaluation) -> Table:
    """The scores of every variant and baseline, and what each variant costs."""
    outcomes = (*evaluation.variants, *evaluation.baselines)
    num = evaluation.settings["num_images"]
    rows = [
        [metric.named(num), *(metric.text(o.scores[n]) if n in o.scores else "" for o in outcomes)]
        for n, metric in METRICS.items()
        if n in evaluation.scores
    ]
    costs = [outcome.cost for outcome in outcomes]
    rows += [
        ["ms, one picture", *(f"{c.total:.1f}" if c else "" for c in costs)],
        ["ms, the prior", *(f"{c.alone['prior']:.1f}" if c else "" for c in costs)],
        ["prior evaluations", *(str(c.evaluations) if c else "" for c in costs)],
    ]
    return ["score", *(outcome.label for outcome in outcomes)], rows


def comparison_table(comparison: Comparison) -> Table:
    """The scores of every column, and how they differ from the first."""
    first, *others = comparison.columns
    head = ["score", first.label]
    for column in others:
        head += [column.label, "difference", "p"]
    num = comparison.runs[0].settings["num_images"]
    rows = []
    for name in comparison.scores:
        metric = METRICS[name]
        row = [metric.named(num), metric.text(first.outcome.scores[name])]
        for column, some in zip(others, comparison.differences, strict=True):
            row += [
                metric.text(column.outcome.scores[name]),
                metric.difference_text(some[name]),
                p_text(some[name].p),
            ]
        rows.append(row)
    return head, rows
