"""Arrays of SLURM: as many as its limit asks for, and a job behind all of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from c2l.errors import C2LError, MissingDependency
from c2l.pairs.shares import format_ranges
from c2l.pairs.slurm.scripts import Scripts

DEFAULT_SIZE = 1001
"""SLURM's own ``MaxArraySize``: places from 0 to one less."""


@dataclass(frozen=True)
class Submitted:
    """What was handed to SLURM.

    Args:
        arrays: their job ids.
        merge: that of the job behind them.
        num_tasks: of all arrays.
    """

    arrays: tuple[str, ...]
    merge: str
    num_tasks: int


def submit(scripts: Scripts, ranks: Sequence[int], options: Sequence[str]) -> Submitted:
    """Hand tasks to SLURM.

    Args:
        ranks: of the tasks, in ascending order.
        options: of ``sbatch``, for all jobs.
    Raises:
        MissingDependency: there is no SLURM.
        C2LError: it refuses; what it had taken before is named.
    """
    arrays: list[str] = []
    try:
        for start, places in arrays_of(ranks, max_array_size()):
            array = f"--array={places}"
            arrays.append(_sbatch(*options, array, str(scripts.task), str(start)))
        behind = f"--dependency=afterany:{':'.join(arrays)}"
        merge = _sbatch(*options, behind, str(scripts.merge))
    except C2LError as error:
        if arrays:
            error.hint += f". To take back what it took before: scancel {' '.join(arrays)}"
        raise
    return Submitted(tuple(arrays), merge, len(ranks))


def arrays_of(ranks: Sequence[int], size: int) -> Iterator[tuple[int, str]]:
    """Arrays of places below ``size``: the rank of place 0, and the places."""
    for start in range(0, ranks[-1] + 1 if ranks else 0, size):
        places = [rank - start for rank in ranks if start <= rank < start + size]
        if places:
            yield start, format_ranges(places)


def max_array_size() -> int:
    """How many places an array of this SLURM may have."""
    try:
        config = _run("scontrol", "show", "config")
    except C2LError:
        return DEFAULT_SIZE
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", config, re.M)
    return max(1, int(found[1])) if found else DEFAULT_SIZE


def _sbatch(*arguments: str) -> str:
    """Hand over a script; gives its job id, which may have the name of a cluster behind it."""
    return _run("sbatch", "--parsable", *arguments).strip().partition(";")[0]


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise MissingDependency(
            f"there is no {command[0]} here",
            hint="Run it where jobs are handed to SLURM, or share the work out yourself: "
            "`c2l pairs rank=0 world=8`",
        ) from None
    except subprocess.CalledProcessError as error:
        raise C2LError(
            f"{command[0]} refuses: {' '.join(error.stderr.split())}",
            hint="Check what `sbatch` gives it",
            field="sbatch",
        ) from error
    return done.stdout
