"""Everything that can be wrong with a run, said before any work starts and all at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.errors import BadInput, C2LError, IncompatibleParts, NotWritable
from c2l.generator import Generator
from c2l.pairs import Pairs, other_parts
from c2l.prompts.domains import find_domain
from c2l.training.log import summary_writer
from c2l.training.priors import prior_class
from c2l.training.run import TrainingRun

FEWEST_PAIRS = 16

Value = TypeVar("Value")


class Faults:
    """What is wrong, collected to be said at once; true where there is anything."""

    def __init__(self) -> None:
        self._found: list[C2LError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def catch(self, step: Callable[[], Value]) -> Value | None:
        """What a step gives, or None and one more fault."""
        try:
            return step()
        except C2LError as error:
            self._found.append(error)
            return None

    def say(self) -> None:
        """Raise the error of the one thing that is wrong; or that of the first, naming all."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            hints = dict.fromkeys(error.hint for error in self._found if error.hint)
            messages = dict.fromkeys(error.message for error in self._found)
            raise type(self._found[0])("; ".join(messages), hint="; ".join(hints)) from self._found[
                0
            ]


def check_run(run: TrainingRun) -> None:
    """Refuse what is wrong with a run before its pairs are made or read.

    Raises:
        C2LError: the error of the one thing that is wrong; or that of the first, naming all.
    """
    checks: list[Callable[[], object]] = [
        lambda: prior_class(run.prior, run.settings),
        lambda: resolve_device(run.device),
    ]
    if run.domain is not None:
        checks.append(lambda: find_domain(run.domain, ""))
    if run.num is not None:
        checks.append(lambda: _check_enough(run.num or 0))
    if run.tensorboard is not None:
        checks.append(summary_writer)
    if run.out is not None:
        checks.append(lambda: _check_writable(run.out or Path()))
    _all(checks)


def check_pairs(pairs: Pairs, generator: Generator | None, embedder: Embedder | None) -> None:
    """Refuse pairs that are too few or not finite, and parts that have not made them.

    Raises:
        BadInput, IncompatibleParts: as ``check_run``.
    """
    _all(
        [
            lambda: _check_enough(len(pairs)),
            lambda: _check_finite(pairs),
            lambda: _check_parts(pairs, generator, embedder),
        ]
    )


def _all(checks: list[Callable[[], object]]) -> None:
    faults = Faults()
    for check in checks:
        faults.catch(check)
    faults.say()


def _check_enough(num: int) -> None:
    if num < FEWEST_PAIRS:
        raise BadInput(
            f"{num} pairs are too few to learn from",
            hint="Make some thousand with 'c2l pairs'; 100000 is usual",
        )


def _check_finite(pairs: Pairs) -> None:
    for what, rows in (("embeddings", pairs.embeddings), ("latents", pairs.latents)):
        bad = ~torch.isfinite(rows.flatten(1)).all(dim=1)
        if bad.any():
            raise BadInput(
                f"the {what} of {pairs.folder} hold NaN or infinity in {int(bad.sum())} rows, "
                f"first in row {int(bad.int().argmax())}",
                hint="Make these pairs again",
            )


def _check_parts(pairs: Pairs, generator: Generator | None, embedder: Embedder | None) -> None:
    wrong = other_parts(pairs.manifest, generator, embedder)
    if wrong:
        raise IncompatibleParts(
            f"the pairs in {pairs.folder} are of other parts: {'; '.join(wrong)}",
            hint="Make pairs of these parts in another folder",
        )


def _check_writable(out: Path) -> None:
    """Without writing anything: the nearest folder that is there takes new files."""
    folder = out.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise NotWritable(f"cannot write {out}", hint="Choose another place with --out")
