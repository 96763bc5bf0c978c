"""What generators share that draw by a formula, from normal numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor

import c2l
from c2l import LatentSpace, Source, draw_normal


class FormulaGenerator(c2l.Generator):
    """Square pictures from one code of standard normal numbers; a subclass draws them."""

    size: ClassVar[int]
    """The height and width of a picture."""
    width: ClassVar[int]
    """How many numbers."""

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls().eval()

    @property
    def latent_space(self) -> LatentSpace:
        zeros = torch.zeros(1, self.width, device=self.device)
        return LatentSpace(num_codes=1, width=self.width, repeats=(1,), mean=zeros, std=zeros + 1)

    @property
    def image_size(self) -> tuple[int, int]:
        return self.size, self.size

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return draw_normal(seeds, self.width)[:, None].to(self.device)
