"""A whole world in miniature for tests: a generator and an embedder without any download.

The generator's latents are one-hot codes of four attributes followed by free numbers; its pictures
are a fixed random function of them. The embedder's image tower is a fixed projection. Its text
tower reads prompts such as ``"shape2 colour0"``: it embeds a crowd of pictures that fit, takes the
mean, and then moves away by a constant gap and a little noise, as real text towers do.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.embedder import Embedder
from c2l.generator import Generator, LatentSpace
from c2l_registry import Source

ATTRIBUTES = {"shape": 4, "colour": 5, "place": 6, "mood": 3}
NUM_FREE = 4
WIDTH = sum(ATTRIBUTES.values()) + NUM_FREE
EMBEDDING_WIDTH = 48
IMAGE_SIZE = 8


def _fixed(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) / shape[-1] ** 0.5


def latent_of(attributes: dict[str, int], seed: int) -> Tensor:
    """A latent (1, WIDTH) with these attributes; the others, and the free numbers, by seed."""
    rng = torch.Generator().manual_seed(seed)
    parts = []
    for name, count in ATTRIBUTES.items():
        value = int(torch.randint(count, (1,), generator=rng))
        parts.append(F.one_hot(torch.tensor(attributes.get(name, value)), count).float())
    parts.append(torch.rand(NUM_FREE, generator=rng))
    return torch.cat(parts)[None]


def attributes_of(latents: Tensor) -> dict[str, Tensor]:
    """What latents (B, 1, WIDTH) show: the largest entry of each attribute, (B,) each."""
    sizes = [*ATTRIBUTES.values(), NUM_FREE]
    pieces = latents[:, 0].split(sizes, dim=1)
    return {name: part.argmax(dim=1) for name, part in zip(ATTRIBUTES, pieces, strict=False)}


def read_prompt(prompt: str) -> dict[str, int]:
    """``"shape2 colour0"`` to ``{"shape": 2, "colour": 0}``; other words mean nothing."""
    known = [word for word in prompt.split() if word[:-1] in ATTRIBUTES and word[-1].isdigit()]
    return {word[:-1]: int(word[-1]) for word in known}


def some_prompts(num: int, seed: int = 0) -> list[str]:
    """Prompts that name two or three attributes each."""
    rng = torch.Generator().manual_seed(seed)
    prompts = []
    for index in range(num):
        names = [list(ATTRIBUTES)[i] for i in torch.randperm(4, generator=rng)[: 2 + index % 2]]
        words = [f"{n}{int(torch.randint(ATTRIBUTES[n], (1,), generator=rng))}" for n in names]
        prompts.append(" ".join(words))
    return prompts


def share_shown(prompts: Sequence[str], latents: Tensor) -> float:
    """The share of the attributes named in B prompts that B latents show."""
    shown = attributes_of(latents)
    hits = [
        int(shown[name][row]) == value
        for row, prompt in enumerate(prompts)
        for name, value in read_prompt(prompt).items()
    ]
    return sum(hits) / len(hits)


@lru_cache(maxsize=256)
def _crowd(wanted: tuple[tuple[str, int], ...]) -> Tensor:
    """Latents (64, 1, WIDTH) that fit a prompt."""
    return torch.stack([latent_of(dict(wanted), 10_000 + seed) for seed in range(64)])


def _read_by_layers(latents: Tensor, repeats: Sequence[int] | None) -> Tensor:
    """What the five layers take from codes (B, K, WIDTH): an attribute each, then the free ones."""
    times = torch.tensor([5 // latents.shape[1]] if repeats is None else list(repeats))
    layers = latents.repeat_interleave(times.to(latents.device), dim=1)
    pieces = layers.split([*ATTRIBUTES.values(), NUM_FREE], dim=2)
    return torch.cat([piece[:, layer] for layer, piece in enumerate(pieces)], dim=1)


class ToyGenerator(Generator):
    """Latents (B, 1, WIDTH), or one for each group of its five layers, to 8 px pictures."""

    reference = "toy:generator"

    def __init__(self, salt: int = 0) -> None:
        super().__init__()
        self.register_buffer("first", 2.0 * _fixed(11 + salt, 64, WIDTH))
        self.register_buffer("second", 2.0 * _fixed(12 + salt, 3 * IMAGE_SIZE**2, 64))

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls()

    @property
    def latent_space(self) -> LatentSpace:
        latents = self.sample_latents(range(256))
        return LatentSpace(1, WIDTH, (5,), latents.mean(0), latents.std(0))

    @property
    def image_size(self) -> tuple[int, int]:
        return IMAGE_SIZE, IMAGE_SIZE

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return torch.stack([latent_of({}, seed) for seed in seeds]).to(self.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        mean = self.latent_space.mean if truncation != 1 else torch.zeros(1, WIDTH)
        codes = _read_by_layers(latents, repeats)
        hidden = torch.relu(torch.lerp(mean, codes, truncation) @ self.first.T)
        return torch.tanh(hidden @ self.second.T).unflatten(1, (3, IMAGE_SIZE, IMAGE_SIZE))


class ToyEmbedder(Embedder):
    """A joint space of pictures and of prompts about attributes, with a gap between the two."""

    reference = "toy:embedder"

    def __init__(self, gap: float = 1.0, broken_at: int | None = None) -> None:
        super().__init__()
        self.broken_at = broken_at
        self.generator = ToyGenerator()
        self.register_buffer("project", _fixed(21, EMBEDDING_WIDTH, 3 * IMAGE_SIZE**2))
        self.register_buffer("gap", gap * F.normalize(_fixed(22, EMBEDDING_WIDTH), dim=0))

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls()

    @property
    def width(self) -> int:
        return EMBEDDING_WIDTH

    def settings(self) -> dict[str, Any]:
        return {"size": IMAGE_SIZE}

    def embed_images(self, images: Tensor) -> Tensor:
        return torch.tanh(3 * images.flatten(1).clamp(-1, 1) @ self.project.T)

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = []
        for prompt in prompts:
            crowd = _crowd(tuple(sorted(read_prompt(prompt).items())))
            mean = self.embed_images(self.generator.synthesize(crowd)).mean(dim=0)
            seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4])
            noise = 0.3 * F.normalize(_fixed(seed, EMBEDDING_WIDTH), dim=0)
            rows.append(mean + mean.norm() * (self.gap + noise))
        return torch.stack(rows)


def toy_pairs(num: int, first_seed: int = 0) -> tuple[Tensor, Tensor]:
    """Embeddings (num, EMBEDDING_WIDTH) and latents (num, 1, WIDTH) of the toy world."""
    generator, embedder = ToyGenerator(), ToyEmbedder()
    latents = generator.sample_latents(range(first_seed, first_seed + num))
    return embedder.embed_images(generator.synthesize(latents)), latents


def write_prompts(path: Path, num: int = 12) -> Path:
    """A file of ``some_prompts``, one on each line."""
    path.write_text("\n".join(some_prompts(num)) + "\n", encoding="utf-8")
    return path


def toy_parts() -> tuple[ToyGenerator, ToyEmbedder]:
    """Both parts; here, so that a worker process finds the function by its module."""
    return ToyGenerator(), ToyEmbedder()


def die() -> tuple[ToyGenerator, ToyEmbedder]:
    """Stands for a worker that the system kills."""
    os._exit(3)
