"""Texts and pictures by their colours alone: with it, "driven by text" can be measured in pixels.

An embedding is the square root of a histogram, so that the cosine of two is the Bhattacharyya
coefficient of their colours. A text is embedded as a picture that shows the colours it names, each
in an equal part; one that names none as a picture of all colours alike, which tells nothing.
"""

# Letters: B batch, P pixels, L levels of a channel.

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

import c2l

LEVELS = 3
"""L: of each channel, so that L ** 3 colours are told apart: 27, where nobody asks for more."""
SOFTNESS = 0.5
"""How far a pixel counts for colours near its own, in distances between two levels."""
SIDE = 32
"""Pictures are averaged to so many pixels a side: details are no colours."""

COLOURS: Mapping[str, tuple[float, float, float]] = {
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "yellow": (1, 1, -1),
    "purple": (1, -1, 1),
    "turquoise": (-1, 1, 1),
    "white": (1, 1, 1),
    "bright": (1, 1, 1),
    "grey": (0, 0, 0),
    "gray": (0, 0, 0),
    "brown": (0.2, -0.3, -0.7),
    "orange": (1, 0, -1),
    "pink": (1, 0.3, 0.5),
    "black": (-1, -1, -1),
    "dark": (-1, -1, -1),
}
SILENT = ("a", "all", "an", "and", "everywhere", "face", "in", "is", "of", "photo", "picture",
          "something", "that", "the")  # fmt: skip
"""Words that ask for no colour, and need not be reported as unknown."""


class ColourEmbedder(c2l.Embedder):
    """A soft histogram of L ** 3 colours, exact and without any training."""

    levels: Tensor

    def __init__(self, num_levels: int = LEVELS) -> None:
        super().__init__()
        self.register_buffer("levels", torch.linspace(-1, 1, num_levels))

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        return cls().eval()

    @property
    def width(self) -> int:
        return len(self.levels) ** 3

    def settings(self) -> Mapping[str, Any]:
        """What decides an embedding besides ``levels``: without it here, a changed list of colours
        would go unnoticed by the priors that were trained with the old one."""
        colours = {name: list(colour) for name, colour in COLOURS.items()}
        return {"side": SIDE, "softness": SOFTNESS, "colours": colours}

    def embed_images(self, images: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(images.to(self.device).clamp(-1, 1), SIDE)
        return self._histogram(small.flatten(2))

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = self.levels.new_full((len(prompts), self.width), self.width**-0.5)
        for row, prompt in zip(rows, prompts, strict=True):
            if named := [COLOURS[word] for word in _words(prompt) if word in COLOURS]:
                row[:] = self._histogram(self.levels.new_tensor(named).mT[None])[0]
        return rows

    def read_text(self, prompt: str) -> c2l.TextReading:
        unknown = [word for word in _words(prompt) if word not in COLOURS and word not in SILENT]
        return c2l.TextReading(unknown=tuple(unknown))

    def _histogram(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, P) to square roots of the shares of all colours, (B, L ** 3)."""
        apart = (pixels[..., None] - self.levels) * ((len(self.levels) - 1) / 2 / SOFTNESS)
        red, green, blue = (-apart.square() / 2).softmax(dim=3).unbind(1)
        shares = torch.einsum("bpr,bpg,bpu->brgu", red, green, blue) / pixels.shape[2]
        return shares.flatten(1).sqrt()


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())
