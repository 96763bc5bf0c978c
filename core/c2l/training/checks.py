"""Checks of a run before any work starts; everything that is wrong is reported at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.errors import BadInput, C2LError, IncompatibleParts, NotWritable
from c2l.generator import Generator
from c2l.pairs import Pairs, part_mismatches
from c2l.places import Place
from c2l.prompts.domains import find_domain
from c2l.training.feed import check_finite
from c2l.training.log import summary_writer
from c2l.training.priors import prior_class
from c2l.training.run import TrainingRun

FEWEST_PAIRS = 16

Value = TypeVar("Value")


class Faults:
    """Errors, collected to be raised at once; true if there are any."""

    def __init__(self) -> None:
        self._found: list[C2LError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def catch(self, step: Callable[[], Value]) -> Value | None:
        """The result of a step; None if it raised, with one more fault."""
        try:
            return step()
        except C2LError as error:
            self._found.append(error)
            return None

    def raise_all(self) -> None:
        """Raise the only error; or one of the type of the first that names all of them."""
        if not self._found:
            return
        first, *others = self._found
        if not others:
            raise first
        messages = dict.fromkeys(error.message for error in self._found)
        hints = dict.fromkeys(error.hint for error in self._found if error.hint)
        raise type(first)("; ".join(messages), hint="; ".join(hints), field=first.field) from first


def check_run(run: TrainingRun) -> None:
    """Check a run before its pairs are made or read.

    Raises:
        C2LError: as ``Faults.raise_all``.
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
    """Check that pairs are enough, finite, and made by these parts.

    Raises:
        BadInput, IncompatibleParts: as ``Faults.raise_all``.
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
    faults.raise_all()


def _check_enough(num: int) -> None:
    if num < FEWEST_PAIRS:
        raise BadInput(
            f"{num} pairs are too few to learn from",
            hint="Make some thousand with 'c2l pairs'; 100000 is usual",
            field="num",
        )


def _check_finite(pairs: Pairs) -> None:
    if pairs.fit_in_memory:  # of others, each shard is looked at when it is read
        check_finite((pairs.embeddings, pairs.latents), "", pairs)


def _check_parts(pairs: Pairs, generator: Generator | None, embedder: Embedder | None) -> None:
    wrong = part_mismatches(pairs.manifest, generator, embedder)
    if wrong:
        raise IncompatibleParts(
            f"the pairs in {pairs.folder} were made by other parts: {'; '.join(wrong)}",
            hint="Make pairs of these parts in another folder",
        )


def _check_writable(out: Place) -> None:
    """Writes nothing: checks that the nearest existing folder takes new files."""
    if out.is_dir() or not _takes_files(out):  # a store is asked: it may not answer, or refuse
        raise NotWritable(
            f"cannot write {out}", hint="Choose another place with `out`", field="out"
        )


def _takes_files(out: Place) -> bool:
    if not isinstance(out, Path):
        out.check_writable()
        return True
    folder = out.absolute().parent
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
