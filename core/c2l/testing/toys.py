"""A generator and an embedder of the toy world: no download, an answer within milliseconds.

The generator's pictures are a fixed random function of its latents. The embedder's image tower is
a fixed projection. Its text tower embeds a crowd of pictures that fit the prompt, takes the mean,
and moves away from it by a constant gap and a little noise, as real text towers do.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.embedder import Embedder
from c2l.generator import Generator, LatentSpace
from c2l.seeds import draw_normal
from c2l.testing.toy_world import SIZES, WIDTH, latent_of, latents_of, read_prompt
from c2l_registry import Source

EMBEDDING_WIDTH = 48
IMAGE_SIZE = 8


class ToyGenerator(Generator):
    """Latents of five layers to 8 px pictures; each attribute is read by a layer of its own.

    Args:
        salt: another number makes another generator.
    """

    reference = "toy:generator"
    first: Tensor
    second: Tensor

    def __init__(self, salt: int = 0) -> None:
        super().__init__()
        self.register_buffer("first", 2.0 * _fixed(11 + salt, 64, WIDTH))
        self.register_buffer("second", 2.0 * _fixed(12 + salt, 3 * IMAGE_SIZE**2, 64))

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls().eval()

    @property
    def latent_space(self) -> LatentSpace:
        mean, std = (statistic.to(self.device) for statistic in _statistics())
        return LatentSpace(1, WIDTH, (len(SIZES),), mean, std)

    @property
    def image_size(self) -> tuple[int, int]:
        return IMAGE_SIZE, IMAGE_SIZE

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return latents_of(draw_normal(seeds, WIDTH)).to(self.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        space = self.latent_space
        layers = space.expand(latents.to(self.device), repeats)
        if truncation != 1:
            layers = torch.lerp(space.expand(space.mean[None]), layers, truncation)
        pieces = layers.split(SIZES, dim=2)
        read = torch.cat([piece[:, layer] for layer, piece in enumerate(pieces)], dim=1)
        hidden = torch.relu(read @ self.first.T)
        return torch.tanh(hidden @ self.second.T).unflatten(1, (3, IMAGE_SIZE, IMAGE_SIZE))


class ToyEmbedder(Embedder):
    """A joint space of pictures, and of prompts about attributes.

    Args:
        gap: how far all texts lie from all pictures; another number makes another embedder.
    """

    reference = "toy:embedder"
    project: Tensor
    gap: Tensor

    def __init__(self, gap: float = 1.0) -> None:
        super().__init__()
        self.generator = ToyGenerator()
        self.register_buffer("project", _fixed(21, EMBEDDING_WIDTH, 3 * IMAGE_SIZE**2))
        self.register_buffer("gap", gap * F.normalize(_fixed(22, EMBEDDING_WIDTH), dim=0))

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls().eval()

    @property
    def width(self) -> int:
        return EMBEDDING_WIDTH

    def settings(self) -> Mapping[str, Any]:
        return {"size": IMAGE_SIZE}

    def embed_images(self, images: Tensor) -> Tensor:
        images = images.to(self.device).clamp(-1, 1)
        small = F.adaptive_avg_pool2d(images, IMAGE_SIZE)
        return torch.tanh(3 * small.flatten(1) @ self.project.T)

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = []
        for prompt in prompts:
            crowd = _crowd(tuple(sorted(read_prompt(prompt).items())))
            mean = self.embed_images(self.generator.synthesize(crowd)).mean(dim=0)
            seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4])
            noise = 0.3 * F.normalize(_fixed(seed, EMBEDDING_WIDTH), dim=0).to(self.device)
            rows.append(mean + mean.norm() * (self.gap + noise))
        return torch.stack(rows)


def toy_parts() -> tuple[ToyGenerator, ToyEmbedder]:
    """Both parts; a worker process can import this function by its name."""
    return ToyGenerator(), ToyEmbedder()


def toy_pairs(num: int, first_seed: int = 0) -> tuple[Tensor, Tensor]:
    """Embeddings (num, EMBEDDING_WIDTH) and the latents (num, 1, WIDTH) whose pictures they are."""
    generator, embedder = toy_parts()
    latents = generator.sample_latents(range(first_seed, first_seed + num))
    return embedder.embed_images(generator.synthesize(latents)), latents


def _fixed(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) / shape[-1] ** 0.5


@functools.cache
def _statistics() -> tuple[Tensor, Tensor]:
    drawn = latents_of(draw_normal(range(2000), WIDTH))
    return drawn.mean(dim=0), drawn.std(dim=0)


@functools.lru_cache(maxsize=256)
def _crowd(wanted: tuple[tuple[str, int], ...]) -> Tensor:
    """Latents (64, 1, WIDTH) that fit a prompt."""
    return torch.stack([latent_of(dict(wanted), 10_000 + seed) for seed in range(64)])
