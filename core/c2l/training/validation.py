"""Validation: how well a prior's pictures match what was asked for, by the embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from c2l.budgets import VALIDATION
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.images import make_grid, to_pil, write_png
from c2l.places import Place, written_by
from c2l.prior import Prior
from c2l.prompts.domains import Domain, unrelated_prompts
from c2l.ranks import Ranks
from c2l.sample_options import Modality
from c2l.training.batches import rng_of

Value = TypeVar("Value")
ALONE = Ranks()
PIXELS_IN_ALL = 2**26
"""Of one score: enough for a thousand pictures of 256 px, and for 64 of 1024 px."""
PROMPTS_IN_TRAINING = 32
STRIP = 8
HELD_OUT = 64
CANDIDATES = 4
"""Pictures of each prompt for the threshold of a domain: as many as ``c2l sample`` draws."""


@torch.no_grad()
def held_out_loss(
    prior: Prior, embeddings: Tensor, latents: Tensor, seed: int, ranks: Ranks = ALONE
) -> float | None:
    """The training loss on held-out pairs, with fixed noise; None without any.

    Each of the ranks computes some parts; all get the same sum.
    """
    if not len(latents) or not prior.trains_by_gradient:
        return None
    starts = range(0, len(latents), 256)
    losses: dict[int, float] = {}
    for start in starts[ranks.rank :: ranks.num]:
        part = slice(start, start + 256)
        loss = prior.training_loss(embeddings[part], latents[part], rng_of(seed, "held out", start))
        losses[start] = float(loss) * len(latents[part])
    for found in ranks.gather(losses):
        losses |= found
    return sum(losses[start] for start in starts) / len(latents)


@dataclass(frozen=True)
class Validator:
    """Draws pictures of prompts with a prior, and compares them with the prompts.

    Args:
        generator, embedder: the parts that made the pairs, on their devices.
        domain: prompts that suit the generator.
        repeats: how often each of the K codes feeds the generator.
        ranks: the first of them judges, the others help it to draw.
    """

    generator: Generator
    embedder: Embedder
    domain: Domain
    repeats: tuple[int, ...]
    ranks: Ranks = ALONE

    def lead(self, work: Callable[[], Value]) -> Value | None:
        """Carry out a work, with the help of the other ranks; they get None."""
        if self.ranks.first:
            with self.ranks.at_leisure():
                result = work()
            self.ranks.told(None)
            return result
        with torch.no_grad():
            while (asked := self.ranks.told(None)) is not None:
                self._share(*asked)
        return None

    @torch.no_grad()
    def texts(self, prompts: Sequence[str]) -> Tensor:
        """Embeddings of prompts on the CPU, float32, (B, E)."""
        return self.embedder.embed_text(prompts).float().cpu()

    @torch.no_grad()
    def draw_strip(self, prior: Prior, pictures: Place) -> float:
        """Mean cosine of a few prompts and a picture of each; the first few go to a PNG."""
        prompts = self.domain.for_judging[: min(PROMPTS_IN_TRAINING, self._affordable() // 8)]
        text = self.texts(prompts)
        latents = draw(prior, text, "text")
        shown = self.generator.synthesize(latents[:STRIP], repeats=self.repeats)
        strip = make_grid([to_pil(image) for image in shown], columns=STRIP)
        pictures.parent.mkdir(parents=True, exist_ok=True)
        with written_by(pictures) as file:
            write_png(file, strip, {"grid": list(prompts[:STRIP])})
        others = self._cosines(text[STRIP:], latents[STRIP:])
        return float(torch.cat([self._compare(text[:STRIP], shown), others]).mean())

    @torch.no_grad()
    def prompt_scores(
        self, prior: Prior, embeddings: Tensor, latents: Tensor, texts: Tensor
    ) -> dict[str, float]:
        """Mean cosines of prompts and pictures: the prior's, and two to compare them with.

        Args:
            embeddings, latents: of the pairs trained on.
            texts: embeddings of the domain's prompts, whose mean is the centre of text.
        Returns:
            ``prompts_cosine`` of the prior's pictures, ``prompts_cosine_random`` of random ones,
            and ``prompts_cosine_neighbours`` of the training pictures nearest to the prompts,
            each modality centred on its mean.
        """
        text = self.texts(self.domain.for_judging[: self._affordable()])
        random = self.generator.sample_latents(range(len(text)))
        centre = normalize(texts, dim=1).mean(dim=0)
        near = nearest(normalize(text, dim=1) - centre, embeddings)
        return {
            "prompts_cosine": float(self._cosines(text, draw(prior, text, "text")).mean()),
            "prompts_cosine_random": float(self._cosines(text, random, own=True).mean()),
            "prompts_cosine_neighbours": float(self._cosines(text, latents[near]).mean()),
        }

    @torch.no_grad()
    def held_out_scores(self, prior: Prior, embeddings: Tensor) -> dict[str, float]:
        """Mean cosine of held-out pictures and those drawn from their embeddings (N, E).

        Returns:
            ``held_out_cosine``, and ``held_out_cosine_random`` of two different held-out pictures.
        """
        asked = embeddings[:HELD_OUT]
        unit = normalize(asked, dim=1)
        others = cosine_similarity(unit, unit.roll(1, dims=0)).mean()
        return {
            "held_out_cosine": float(self._cosines(asked, draw(prior, asked, "image")).mean()),
            "held_out_cosine_random": float(others),
        }

    @torch.no_grad()
    def threshold(self, prior: Prior) -> float:
        """The cosine of a prompt and its best picture below which it is outside the domain.

        It is the one that best separates the domain's prompts from unrelated ones, but puts at
        most a twentieth of the former outside.
        """
        near, far = (
            self._best_cosines(prior, prompts)
            for prompts in (self.domain.prompts, unrelated_prompts())
        )
        return min(best_split(far, near), float(near.quantile(0.05)))

    def _best_cosines(self, prior: Prior, prompts: Sequence[str]) -> Tensor:
        prompts = prompts[: max(1, self._affordable() // CANDIDATES)]
        text = self.texts(prompts).repeat_interleave(CANDIDATES, dim=0)
        return self._cosines(text, draw(prior, text, "text")).view(-1, CANDIDATES).amax(dim=1)

    @torch.no_grad()
    def look(self, latents: Tensor, *, own: bool = False) -> Tensor:
        """Embeddings (B, E) of the pictures of latents (B, K, D), on the CPU.

        Args:
            own: whether the latents are the generator's own, whose K may differ from the pairs'.
        """
        return torch.cat([seen for seen, _ in self._render(latents, own)])

    @torch.no_grad()
    def look_at_twins(self, latents: Tensor, *, own: bool = False) -> tuple[Tensor, Tensor]:
        """Of the pictures of latents (B, K, D), B even: embeddings (B, E), and how far rows 0 and 1
        are apart in pixels, rows 2 and 3, and so on: a root mean square, (B / 2,)."""
        embeddings, apart = zip(*self._render(latents, own), strict=True)
        return torch.cat(embeddings), torch.cat(apart)

    def _render(self, latents: Tensor, own: bool) -> Sequence[tuple[Tensor, Tensor]]:
        """Of pictures of latents, an even number at a time: embeddings, and how far apart two
        neighbours are."""
        size = VALIDATION.pictures(self.generator.image_size, self.generator.device.type)
        size = max(2, size // 2 * 2)
        if self.ranks.num == 1 or len(latents) <= size:
            return [self._draw(part, own) for part in latents.split(size)]
        return self._share(*self.ranks.told((latents.cpu(), size, own)))

    def _share(self, latents: Tensor, size: int, own: bool) -> Sequence[tuple[Tensor, Tensor]]:
        """What ``_render`` gives, each rank having drawn every so many parts."""
        ranks, parts = self.ranks, latents.to(self.generator.device).split(size)
        found = ranks.gather([self._draw(part, own) for part in parts[ranks.rank :: ranks.num]])
        return [found[i % ranks.num][i // ranks.num] for i in range(len(parts))]

    def _draw(self, latents: Tensor, own: bool) -> tuple[Tensor, Tensor]:
        images = self.generator.synthesize(latents, repeats=None if own else self.repeats)
        num = len(images) // 2 * 2
        difference = (images[0:num:2] - images[1:num:2]).float()
        apart = difference.square().mean(dim=(1, 2, 3)).sqrt().cpu()
        return self.embedder.embed_images(images).cpu(), apart

    def _affordable(self) -> int:
        """How many pictures a score may be computed from."""
        height, width = self.generator.image_size
        return max(64, min(1024, PIXELS_IN_ALL // (height * width)))

    def _cosines(self, asked: Tensor, latents: Tensor, *, own: bool = False) -> Tensor:
        """Cosines (B,) of embeddings (B, E) and the pictures of latents (B, K, D)."""
        if not len(latents):
            return torch.empty(0)
        return cosine_similarity(self.look(latents, own=own), asked.cpu())

    def _compare(self, asked: Tensor, images: Tensor) -> Tensor:
        seen = self.embedder.embed_images(images)
        return cosine_similarity(seen, asked.to(seen.device)).cpu()


def draw(prior: Prior, embeddings: Tensor, modality: Modality) -> Tensor:
    """One latent for each embedding, row i with seed i: (B, E) to (B, K, D)."""
    return prior.sample(embeddings, seeds=range(len(embeddings)), modality=modality)


def nearest(asked: Tensor, embeddings: Tensor) -> Tensor:
    """For each centred text (M, E), the row of the nearest picture (N, E) by cosine.

    Pictures are centred on their own mean, in parts: there may be millions.
    """
    parts = embeddings.split(2**16)
    centre = sum(normalize(part, dim=1).sum(dim=0) for part in parts) / len(embeddings)
    values, rows = zip(
        *(
            (normalize(normalize(part, dim=1) - centre, dim=1) @ asked.T).max(dim=0)
            for part in parts
        ),
        strict=True,
    )
    best = torch.stack(values).argmax(dim=0)
    starts = torch.arange(len(parts)) * 2**16
    return starts[best] + torch.stack(rows).gather(0, best[None])[0]


def best_split(low: Tensor, high: Tensor) -> float:
    """The threshold between two samples (N,), (M,) with the smallest sum of error rates.

    Among equally good ones it is the one in the middle.
    """
    ordered = torch.cat([low, high]).sort().values
    between = (ordered[1:] + ordered[:-1]) / 2
    errors = (low[:, None] >= between).float().mean(0) + (high[:, None] < between).float().mean(0)
    best = (errors == errors.min()).nonzero().flatten()
    return float(between[best[len(best) // 2]])
