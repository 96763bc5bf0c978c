"""What training says while it runs, when it is stopped, and at its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far training is.

    Args:
        step, steps: done, and in all.
        loss: the mean over the steps since the last report; None before the first.
        resumed: whether a checkpoint was gone on from.
    """

    step: int
    steps: int
    loss: float | None
    resumed: bool


@dataclass(frozen=True)
class TrainingReport:
    """What a training run made.

    Args:
        path: the prior's file.
        kind: of the prior.
        num_parameters: trained or stored numbers.
        training: what the file says about how it was made.
        scores: what it reached, by name: ``held_out_loss``; ``held_out_cosine`` of held-out
            pictures and those drawn from their embeddings; ``prompts_cosine`` of prompts and the
            pictures drawn for them, beside ``prompts_cosine_random`` of random pictures.
        seconds: how long this run took; an earlier, interrupted part is not counted.
    """

    path: Path
    kind: str
    num_parameters: int
    training: Mapping[str, Any]
    scores: Mapping[str, float]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training: the state is saved.

    Args:
        checkpoint: where.
        step, steps: done, and in all.
    """

    def __init__(self, checkpoint: Path, step: int, steps: int) -> None:
        super().__init__(f"step {step:,} of {steps:,} is saved in {checkpoint}")
        self.checkpoint = checkpoint
        self.step = step
        self.steps = steps
