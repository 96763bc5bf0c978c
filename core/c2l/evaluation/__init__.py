"""Scores of a pipeline on prompts, reports with pictures, and comparisons of finished runs.

Start at ``c2l.evaluate``; ``docs/evaluation.md`` says what each number means.
"""

from __future__ import annotations

from c2l.evaluation.distances import cmmd, density_and_coverage
from c2l.evaluation.estimates import Difference, Estimate
from c2l.evaluation.jobs import EvaluationInterrupted
from c2l.evaluation.judge import CalibratedJudge, Judge, Question, find_judge
from c2l.evaluation.metrics import METRICS, Metric
from c2l.evaluation.result import Cost, Evaluation, Outcome
from c2l.evaluation.run import evaluate

__all__ = [
    "evaluate",
    "Evaluation",
    "EvaluationInterrupted",
    "Outcome",
    "Cost",
    "Estimate",
    "Difference",
    "Question",
    "Judge",
    "CalibratedJudge",
    "find_judge",
    "METRICS",
    "Metric",
    "cmmd",
    "density_and_coverage",
]
