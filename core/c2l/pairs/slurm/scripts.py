"""The two scripts that SLURM runs."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from c2l.files import write_atomically
from c2l.places import Place

NOTICE = 120
"""Seconds before the end of its time at which a task goes back into the queue."""

_TASK = """\
#!/bin/bash
#SBATCH --job-name=c2l-pairs
#SBATCH --output="{logs}/%A_%a.txt"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@{notice}
# One task of an array: it draws one of {world} shares of {out}. The argument is the
# share of the array's first task.
#
# SLURM sends USR1 when the time is nearly up: the task goes back into the queue, to go on later.
again() {{
    kill "$task"
    wait "$task"
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
}}
trap again USR1
cd {here} || exit 1
rank=$((${{1:-0}} + SLURM_ARRAY_TASK_ID))
{c2l} pairs --out {out} --device {device} --rank "$rank" --world {world} &
task=$!
wait "$task"
"""

_MERGE = """\
#!/bin/bash
#SBATCH --job-name=c2l-pairs-merge
#SBATCH --output="{logs}/%j.txt"
# Runs after all tasks, also where some failed, and says which shards are missing.
cd {here} || exit 1
{c2l} pairs finish {out} && exit
{c2l} pairs status {out}
exit 1
"""


@dataclass(frozen=True)
class Scripts:
    """Where the scripts are."""

    task: Path
    merge: Path


def write_scripts(out: Place, world: int, device: str, folder: Path) -> Scripts:
    """Write the scripts of a folder of pairs into another, where their logs will lie as well.

    Raises:
        NotWritable
    """
    folder = folder.absolute()
    words = {
        "out": shlex.quote(str(out)),
        "device": shlex.quote(device),
        "world": world,
        "notice": NOTICE,
        "logs": str(folder).replace("%", "%%"),
        "here": shlex.quote(os.getcwd()),
        "c2l": f"{shlex.quote(sys.executable)} -m c2l",
    }
    scripts = Scripts(folder / "task.sh", folder / "merge.sh")
    write_atomically(scripts.task, _TASK.format(**words).encode())
    write_atomically(scripts.merge, _MERGE.format(**words).encode())
    return scripts
