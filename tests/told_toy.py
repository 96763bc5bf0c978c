"""A toy generator that is told one of four classes, each of which has its region of latents."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

import c2l
from c2l.testing import ToyGenerator

NAMES = ("north", "east", "south", "west wind")


class Told(ToyGenerator):
    """Adds to the toy's latents where their class lies."""

    reference = "told:generator"
    offsets: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.classes = c2l.Classes(4, NAMES)
        self.register_buffer("offsets", 3.0 * torch.eye(4, ToyGenerator().latent_space.width))

    @property
    def latent_space(self) -> c2l.LatentSpace:
        drawn = Told.sample_latents(self, range(2000))
        space = ToyGenerator.latent_space.fget(self)  # type: ignore[attr-defined]
        statistics = {"mean": drawn.mean(dim=0), "std": drawn.std(dim=0)}
        return c2l.LatentSpace(**{**vars(space), **statistics})

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        assert self.classes is not None
        return Told.sample_class_latents(self, seeds, self.classes.draw(seeds))

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        assert self.classes is not None
        numbers = [self.classes.number(number) for number in classes]
        return super().sample_latents(seeds) + self.offsets[numbers][:, None]
