"""What training reports: its progress, an interruption, and the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2l.loading import path_as_reference
from c2l.places import Place


@dataclass(frozen=True)
class Validation:
    """How good the averaged weights are.

    Args:
        held_out_loss: the training loss on held-out pairs, with fixed noise; None where there are
            too few pairs to hold out any.
        prompts_cosine: mean cosine of a few prompts and the pictures drawn for them; None without
            a generator and an embedder.
        pictures: a PNG of the first of those pictures.
        best: whether this is the best validation so far.
    """

    held_out_loss: float | None
    prompts_cosine: float | None = None
    pictures: Place | None = None
    best: bool = True

    def __str__(self) -> str:
        facts = []
        if self.held_out_loss is not None:
            gain = "" if self.best else " (no gain)"
            facts.append(f"held-out loss {self.held_out_loss:.4f}{gain}")
        if self.prompts_cosine is not None:
            facts.append(f"cosine with prompts {self.prompts_cosine:.3f}")
        if self.pictures is not None:
            facts.append(str(self.pictures))
        return ", ".join(facts)


@dataclass(frozen=True)
class TrainingProgress:
    """How far training is.

    Args:
        step, steps: done, and in all.
        loss: the mean over the steps since the last report; None before the first.
        resumed: whether training was resumed from a checkpoint.
        validation: of the averaged weights after this step, if it was due.
        rate: pairs per second of each device, since the last report; None before the second.
    """

    step: int
    steps: int
    loss: float | None
    resumed: bool
    validation: Validation | None = None
    rate: float | None = None


@dataclass(frozen=True)
class TrainingReport:
    """The result of a training run.

    Args:
        path: the prior's file.
        kind: of the prior.
        num_parameters: trained or stored numbers, without those of the student.
        training: how it was trained, as its file says.
        scores: by name; see ``c2l.training.validation``.
        choice: what was chosen for sampling, and why, in a sentence; empty if nothing was open.
        verdict: the scores in a sentence, and whether they are normal.
        seconds: how long this run took, without earlier, interrupted ones.
    """

    path: Place
    kind: str
    num_parameters: int
    training: Mapping[str, Any]
    scores: Mapping[str, float]
    choice: str
    verdict: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "path": str(self.path)}

    @property
    def reference(self) -> str:
        """What ``c2l.load_prior`` takes for the prior's file."""
        return path_as_reference(self.path) if isinstance(self.path, Path) else str(self.path)

    @property
    def stopped_early(self) -> bool:
        """Whether training ended before its last step, since nothing got better."""
        return self.training.get("steps_done", 0) < self.training.get("steps", 0)


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training: the state is saved.

    Args:
        checkpoint: the file.
        step, steps: done, and in all.
    """

    def __init__(self, checkpoint: Place, step: int, steps: int) -> None:
        super().__init__(f"step {step:,} of {steps:,} is saved in {checkpoint}")
        self.checkpoint = checkpoint
        self.step = step
        self.steps = steps
