"""Everything that can be wrong with a run, said before any work starts and all at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.errors import BadInput, C2LError, IncompatibleParts, NotWritable
from c2l.generator import Generator
from c2l.pairs import Pairs, other_parts
from c2l.training.domains import find_domain
from c2l.training.log import summary_writer
from c2l.training.priors import prior_class
from c2l.training.run import TrainingRun

FEWEST_PAIRS = 16


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
    problems = []
    for check in checks:
        try:
            check()
        except C2LError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
        message = "; ".join(problem.message for problem in problems)
        raise type(problems[0])(message, hint="; ".join(hints)) from problems[0]


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
