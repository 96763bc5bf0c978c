"""Evaluations as tables of text: headings and rows."""

from __future__ import annotations

from c2l.evaluation.compare import Comparison
from c2l.evaluation.estimates import p_text
from c2l.evaluation.result import Evaluation
from c2l.evaluation.scores import METRICS

Table = tuple[list[str], list[list[str]]]


def scores_table(evaluation: Evaluation) -> Table:
    """Scores of every variant and baseline, and what the variants cost."""
    outcomes = (*evaluation.variants, *evaluation.baselines)
    num = evaluation.settings["num_images"]
    rows = [
        [metric.named(num), *(metric.text(o.scores[n]) if n in o.scores else "" for o in outcomes)]
        for n, metric in METRICS.items()
        if n in evaluation.scores
    ]
    costs = [variant.cost for variant in evaluation.variants]
    blank = [""] * len(evaluation.baselines)
    rows += [
        ["ms, one picture", *(f"{sum(c['alone'].values()):.1f}" for c in costs), *blank],
        ["of them the prior", *(f"{c['alone']['prior']:.1f}" for c in costs), *blank],
        ["evaluations", *(str(c["evaluations"]) for c in costs), *blank],
    ]
    return ["score", *(outcome.label for outcome in outcomes)], rows


def comparison_table(comparison: Comparison) -> Table:
    """Scores of every column, and its differences from the first one."""
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
