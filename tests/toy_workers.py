"""What worker processes call, in a module of its own: they find it by its name alone."""

from __future__ import annotations

import os
from pathlib import Path

from c2l.pairs import PairsManifest
from c2l.pairs.drawing import Parts
from c2l.pairs.job import Job
from c2l.testing import toy_parts


def load_toys(device: str) -> Parts:
    return toy_parts()


def end_at_once(code: int, device: str) -> Parts:
    os._exit(code)


def toy_job(parts: Parts, plan: PairsManifest, out: Path) -> Job:
    """A job that any process can do, though toys have no reference."""
    return Job(load_toys, plan, out)
