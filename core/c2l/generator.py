"""The interface of image generators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.part import Part
from c2l_registry import Source


@dataclass(frozen=True)
class LatentSpace:
    """The space in which a generator takes its latents, float32 tensors of shape (B, K, D).

    Args:
        num_codes: K, the number of codes of one latent (1 for StyleGAN's w).
        width: D, the width of one code.
        repeats: K numbers, how many layers of the generator each code feeds; ``(18,)`` for w of
            a 1024 px StyleGAN2, eighteen ones for its w+, ``(4, 4, 10)`` for layer groups.
        mean, std: statistics of ``sample_latents``, float32, shape (K, D).
    """

    num_codes: int
    width: int
    repeats: tuple[int, ...]
    mean: Tensor
    std: Tensor


class Generator(Part, ABC):
    """Latents to images. Differentiable where the network is; never consumes global randomness."""

    @classmethod
    @abstractmethod
    def load(cls, source: Source) -> Self:
        """Read the generator that ``source`` names, on the CPU, in eval mode.

        Raises:
            BadWeights: the file is truncated or is not of this kind.
        """

    @classmethod
    def describe(cls, path: Path) -> Mapping[str, Any]:
        """What the network in a file is, JSON-able, without making it: family, sizes, parameters.

        Raises:
            BadWeights: the file is truncated or is not of this kind.
        """
        return {}

    def save(self, path: Path, *, half: bool = False) -> None:
        """Write the network to one ``.safetensors`` file that ``load`` reads.

        Args:
            half: store what bears it in float16.
        Raises:
            BadInput: this kind has no file of its own to convert to.
            NotWritable: the folder cannot be written.
        """
        raise BadInput(f"a {type(self).__name__} cannot be converted: its kind has no own file")

    @property
    @abstractmethod
    def latent_space(self) -> LatentSpace:
        """The generator's own latent space, the one that ``sample_latents`` draws from."""

    @property
    @abstractmethod
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""

    @abstractmethod
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw latents from the generator's own distribution.

        Args:
            seeds: B non-negative integers; row i depends on ``seeds[i]`` alone.
        Returns:
            float32, shape (B, K, D), on the generator's device.
        """

    @abstractmethod
    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        """Draw the images of latents.

        Args:
            latents: float32, shape (B, K, D), in this generator's latent space: K = 1, K = the
                number of layers, or layer groups with ``repeats``.
            truncation: pulls the latents towards their mean: 1 leaves them, 0 gives the mean image.
            repeats: for layer groups, K numbers that sum to the number of layers.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1] up to overshoot of the network.
        Raises:
            BadInput: the latents do not fit the latent space.
        """


def draw_normal(seeds: Sequence[int], width: int) -> Tensor:
    """Standard normal rows (B, width), float32, each from its own CPU ``torch.Generator``."""
    rows = [torch.randn(width, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows) if rows else torch.empty(0, width)
