"""Training priors on pairs: a loop that resumes to the same weights, and a report."""

from __future__ import annotations

from c2l.training.report import TrainingInterrupted, TrainingProgress, TrainingReport, Validation
from c2l.training.run import TrainingRun
from c2l.training.train import train_prior

__all__ = [
    "TrainingInterrupted",
    "TrainingProgress",
    "TrainingReport",
    "TrainingRun",
    "Validation",
    "train_prior",
]
