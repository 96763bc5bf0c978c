"""Training priors on pairs: the loop, checkpoints that resume to the same weights, a report."""

from __future__ import annotations

from c2l.training.report import TrainingInterrupted, TrainingProgress, TrainingReport, Validation
from c2l.training.run import TrainingRun
from c2l.training.train import train_prior

__all__ = [
    "TrainingProgress",
    "TrainingInterrupted",
    "TrainingReport",
    "TrainingRun",
    "Validation",
    "train_prior",
]
