"""Pairs by SLURM: arrays of tasks, each with a share of the shards, and a job behind them.

SLURM starts, watches and repeats the tasks; the folder says how far they are.
"""

from __future__ import annotations

from c2l.pairs.slurm.scripts import Scripts, write_scripts
from c2l.pairs.slurm.submitting import Submitted, submit

__all__ = ["Scripts", "Submitted", "submit", "write_scripts"]
