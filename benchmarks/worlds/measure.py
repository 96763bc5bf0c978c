"""What pictures drawn for prompts show, how varied they are, and how far from the generator's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

import c2l
from c2l import Question
from c2l.evaluation.distances import cmmd
from c2l.evaluation.judge import mark_attributes
from worlds import World

RANDOM_SEED = 3_000_000_000
"""Far from the seeds of any pairs."""
NUM_RANDOM = 960


@dataclass(frozen=True)
class Measured:
    """Of N pictures of each of P prompts.

    Args:
        accuracy: of each prompt, the share of what it names that its pictures show.
        best: the same of the one picture that the embedder puts nearest to the prompt.
        by_attribute: the share of prompts that name an attribute whose pictures show it.
        diversity: of each prompt, how far its pictures are apart in pixels, as a part of random
            ones; empty for a single picture.
        cmmd: of all pictures and random ones.
    """

    accuracy: Sequence[float]
    best: Sequence[float]
    by_attribute: Mapping[str, float]
    diversity: Sequence[float]
    cmmd: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**vars(self)}


@dataclass(frozen=True)
class Ruler:
    """Measures what is drawn for the same questions.

    Args:
        repeats: how many layers each code of a latent feeds; None: as the generator's own.
    """

    world: World
    questions: Sequence[Question]
    repeats: Sequence[int] | None = None

    @property
    def prompts(self) -> list[str]:
        """All of them."""
        return [question.prompt for question in self.questions]

    @cached_property
    def texts(self) -> Tensor:
        """The embeddings of the prompts, (P, E)."""
        with torch.no_grad():
            return self.world.embedder.embed_text(self.prompts).float().cpu()

    @cached_property
    def _random(self) -> tuple[Tensor, float]:
        """Embeddings of random pictures, and how far these are apart."""
        images = random_images(self.world, NUM_RANDOM)
        return self._embed(images), float(pixels_apart(images[None, :128]))

    def measure(self, images: Tensor) -> Measured:
        """Of pictures (P, N, 3, H, W)."""
        flat, shape = images.flatten(0, 1), images.shape[:2]
        seen = self.world.judge(flat)
        marks = mark_attributes(
            [q.named for q in self.questions], {k: v.view(shape) for k, v in seen.items()}
        )
        embeddings = self._embed(flat).unflatten(0, shape)
        near = torch.einsum(
            "pne,pe->pn", normalize(embeddings, dim=2), normalize(self.texts, dim=1)
        )
        random, apart = self._random
        best = marks.share.gather(1, near.argmax(1, keepdim=True))[:, 0]
        return Measured(
            _rounded(marks.share.mean(1)),
            _rounded(best),
            {k: round(float(v.float().mean()), 4) for k, v in marks.by_attribute.items()},
            _rounded(pixels_apart(images) / apart) if shape[1] > 1 else [],
            round(cmmd(embeddings, random).value, 3),
        )

    def measure_picked(self, latents: Tensor, num: int) -> Measured:
        """Of those pictures of latents (M, K, D) that show most of what each prompt names.

        They are all that show as much of it as any does, ``num`` at most: fewer, or only one, whose
        diversity is not counted, of what is rare.
        """
        seen = [self.world.judge(self._render(part)) for part in latents.split(500)]
        shown = {name: torch.cat([part[name] for part in seen]) for name in seen[0]}
        share, varied = [], []
        each: dict[str, list[Tensor]] = {}
        for question in self.questions:
            right = {k: (shown[k] == v).float() for k, v in question.named.items()}
            total = torch.stack(list(right.values())).mean(0)
            rows = (total == total.max()).nonzero()[:num, 0]
            share.append(total[rows[0]])
            for name, values in right.items():
                each.setdefault(name, []).append(values[rows].mean())
            if len(rows) > 1:
                varied.append(pixels_apart(self._render(latents[rows])[None])[0])
        accuracy = _rounded(torch.stack(share))
        by_attribute = {k: round(float(torch.stack(v).mean()), 4) for k, v in each.items()}
        _, apart = self._random
        return Measured(
            accuracy, accuracy, by_attribute, _rounded(torch.stack(varied) / apart), math.nan
        )

    def draw(self, prior: c2l.Prior, num: int) -> Tensor:
        """Latents of ``num`` pictures of each prompt."""
        asked = self.texts.repeat_interleave(num, dim=0)
        return torch.cat(
            [
                prior.sample(part, seeds=range(start, start + len(part)))
                for start, part in zip(range(0, len(asked), 240), asked.split(240), strict=True)
            ]
        )

    def render(self, latents: Tensor) -> Tensor:
        """Latents of all prompts, one prompt after the other, to pictures (P, N, 3, H, W)."""
        return self._render(latents).unflatten(0, (len(self.questions), -1))

    def _render(self, latents: Tensor) -> Tensor:
        return render(self.world, latents, self.repeats)

    @torch.no_grad()
    def _embed(self, images: Tensor) -> Tensor:
        parts = [self.world.embedder.embed_images(part) for part in images.split(128)]
        return torch.cat(parts).float().cpu()


def pixels_apart(images: Tensor) -> Tensor:
    """The mean distance of two pictures of each prompt, a root mean square over pixels: (P,)."""
    flat = images.clamp(-1, 1).flatten(2)
    num = flat.shape[1]
    return (torch.cdist(flat, flat) / flat.shape[2] ** 0.5).sum((1, 2)) / (num * (num - 1))


def random_images(world: World, num: int) -> Tensor:
    """Pictures of the generator's own distribution."""
    return render(world, random_latents(world, num))


def random_latents(world: World, num: int) -> Tensor:
    """The generator's own, of seeds that no pairs have."""
    return world.generator.sample_latents(range(RANDOM_SEED, RANDOM_SEED + num))


@torch.no_grad()
def render(world: World, latents: Tensor, repeats: Sequence[int] | None = None) -> Tensor:
    """Pictures (B, 3, H, W) of latents."""
    draw = world.generator.synthesize
    return torch.cat([draw(part, repeats=repeats) for part in latents.split(64)])


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's."""
    ranks = torch.stack([_ranks(torch.tensor(a)), _ranks(torch.tensor(b))])
    return float(torch.corrcoef(ranks)[0, 1])


def _ranks(values: Tensor) -> Tensor:
    """Ties share the mean of their ranks."""
    below = (values[:, None] > values).sum(1) + (values[:, None] >= values).sum(1)
    return below.double()


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 4) for value in values.double().tolist()]
