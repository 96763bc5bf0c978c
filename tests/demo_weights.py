"""Makes the weights in the templates of ``c2l new``; as a script, writes them.

They ship as files instead of being made by every new package: sums may differ in their last bit
from machine to machine, and a prior is bound to the exact weights by their sha256.
"""

from __future__ import annotations

from zlib import crc32

import torch
from safetensors.torch import save_file
from torch import Tensor

from c2l.service import scaffold

SKY, LAND = slice(0, 3), slice(3, 6)
ROWS = 600
COLOURS = {
    "red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1), "yellow": (1, 1, -1),
    "orange": (1, 0, -1), "purple": (0, -1, 1), "pink": (1, 0, 0.5), "brown": (0, -0.5, -1),
    "white": (1, 1, 1), "black": (-1, -1, -1), "dark": (-0.8, -0.8, -0.8),
    "bright": (0.8, 0.8, 0.8), "grey": (0, 0, 0), "gray": (0, 0, 0), "cyan": (-1, 1, 1),
}  # fmt: skip


def generator() -> dict[str, Tensor]:
    """Two colours, of sky and land; how high the land is, and how much there is of clouds."""
    rng = torch.Generator().manual_seed(1)
    # ReLU of z and of -z: together they are z again, and each by itself is a bend.
    first = torch.cat([torch.eye(8), -torch.eye(8), torch.randn(16, 8, generator=rng) / 8**0.5])
    straight = torch.zeros(3, 4, 4, 8)
    for row, share in enumerate((1.0, 0.8, 0.2, 0.0)):  # of the sky in this row
        for colour in range(3):
            straight[colour, row, :, SKY.start + colour] = share
            straight[colour, row, :, LAND.start + colour] = 1 - share
    straight[:, 1:3, :, 6] += 0.4
    clouds = 0.25 * torch.randn(1, 4, 4, 16, generator=rng).expand(3, -1, -1, -1)
    second = torch.cat([straight, -straight, clouds], dim=3).flatten(0, 2)
    return {
        "layers.0.weight": first,
        "layers.0.bias": torch.zeros(32),
        "layers.2.weight": second,
        # Clouds are as often darker as brighter than without them.
        "layers.2.bias": -clouds.sum(dim=3).flatten() * 0.4,
    }


def embedder() -> dict[str, Tensor]:
    """The mean colour of a picture, and a little of where it is; a word is what it looks like."""
    rng = torch.Generator().manual_seed(2)
    width, cells = 24, 16
    mean = torch.eye(3).repeat_interleave(cells, dim=1) / cells
    # What differs from cell to cell, for which a picture of one colour has nothing.
    where = torch.randn(width - 4, 3, cells, generator=rng) / cells
    where -= where.mean(dim=2, keepdim=True)
    image = torch.cat([mean, where.flatten(1), torch.zeros(1, 3 * cells)])
    bias = torch.zeros(width)
    bias[-1] = 0.5  # no picture and no text has an embedding of zeros
    words = 0.02 * torch.randn(ROWS, width, generator=rng)
    words[:, -1] += 0.5
    rows = {crc32(word.encode()) % ROWS for word in COLOURS}
    assert len(rows) == len(COLOURS), "two colours share a row"
    for word, colour in COLOURS.items():
        words[crc32(word.encode()) % ROWS, :3] = 3 * torch.tensor(colour, dtype=torch.float32)
    return {
        "text_tower.weight": words,
        "image_tower.weight": image,
        "image_tower.bias": bias,
    }


MADE = {"generator": generator, "embedder": embedder}


if __name__ == "__main__":
    for name, make in MADE.items():
        cards = scaffold.TEMPLATES / name / "src" / "MODULE" / "cards"
        save_file(make(), cards / "demo.safetensors")
