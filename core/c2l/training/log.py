"""The log of a run, beside its output: JSON lines, strips of pictures, TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from c2l.errors import MissingDependency, NotWritable
from c2l.places import Journal, Place, on_disk
from c2l.training.report import TrainingProgress


class TrainingLog:
    """``OUT.log.jsonl``, one line for each report, and ``OUT.progress/`` for pictures.

    Lines have ``step`` and ``seconds`` since this command started, and ``loss``,
    ``pairs_per_second`` of each device, ``held_out_loss``, ``prompts_cosine`` and ``pictures``
    where they are known. The first line is the plan, the last one the scores. In a store, new lines
    appear every few seconds.

    Args:
        out: the prior's file.
        tensorboard: a folder for TensorBoard events with the same numbers.
    Raises:
        MissingDependency: TensorBoard is not installed.
    """

    def __init__(self, out: Place, tensorboard: Path | None) -> None:
        self.path = log_path(out)
        self._journal = Journal(self.path)
        self.progress = out.with_suffix(".progress")
        self._writer: Any = None
        if tensorboard is not None:
            self._writer = summary_writer()(str(tensorboard))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        if self._writer is not None:
            self._writer.close()

    def strip(self, step: int) -> Place:
        """Where the pictures of the validation after a step go."""
        return self.progress / f"step-{step:06d}.png"

    def begin(self, plan: Mapping[str, Any], step: int) -> None:
        """Start the log, or resume it after ``step``: later lines and pictures are dropped."""
        lines = [json.dumps({"plan": plan})]
        try:
            if step and (before := self._journal.lines()):
                lines = [line for line in before if _until(line, step)]
            self._journal.begin(lines)
        except OSError as error:
            raise _not_writable(self.path, error) from error
        for strip in self.progress.glob("step-*.png"):
            if not strip.stem[5:].isdigit() or int(strip.stem[5:]) > step:
                strip.unlink(missing_ok=True)

    def report(self, progress: TrainingProgress, seconds: float) -> None:
        """Write one line."""
        row: dict[str, Any] = {"step": progress.step, "seconds": round(seconds, 2)}
        if progress.loss is not None:
            row["loss"] = round(progress.loss, 6)
        if progress.rate is not None:
            row["pairs_per_second"] = round(progress.rate, 1)
        if progress.validation is not None:
            seen = progress.validation
            row |= {"held_out_loss": seen.held_out_loss, "prompts_cosine": seen.prompts_cosine}
            row["pictures"] = seen.pictures and f"{seen.pictures.parent.name}/{seen.pictures.name}"
        row = {name: value for name, value in row.items() if value is not None}
        self.write(row)
        if self._writer is not None:
            for name in ("loss", "held_out_loss", "prompts_cosine"):
                if name in row:
                    self._writer.add_scalar(name, row[name], progress.step)
            if progress.validation is not None and progress.validation.pictures is not None:
                self._writer.add_image(
                    "pictures", _pixels(progress.validation.pictures), progress.step
                )

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a line."""
        try:
            self._journal.add(json.dumps(row))
        except OSError as error:
            raise _not_writable(self.path, error) from error


def log_path(out: Place) -> Place:
    """The log of a run that writes ``out``."""
    return out.with_suffix(".log.jsonl")


def summary_writer() -> Any:
    """TensorBoard's writer class.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependency(
            f"TensorBoard is not installed: {error}",
            hint="Install it: pip install 'c2l[tensorboard]', or leave out `tensorboard`",
            field="tensorboard",
        ) from error
    return SummaryWriter


def _until(line: str, step: int) -> bool:
    try:
        return int(json.loads(line).get("step", 0)) <= step
    except (ValueError, TypeError, AttributeError):
        return False  # cut off when the process was killed


def _pixels(path: Place) -> Any:
    """A PNG for TensorBoard: uint8, (3, H, W)."""
    import numpy as np
    from PIL import Image

    with on_disk(path) as file, Image.open(file) as picture:
        return np.asarray(picture.convert("RGB")).transpose(2, 0, 1)


def _not_writable(path: Place, error: OSError) -> NotWritable:
    return NotWritable(
        f"cannot write {path}: {error.strerror or error}",
        hint="Choose another place with `out`",
        field="out",
    )
