"""Prompt to embedding to latents to images, ranked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.prior import Prior

# Candidate k of the picture with seed s has seed s + k * CANDIDATE_STRIDE: candidate 0 is what
# the seed gives without ranking, and a winner can be drawn again from its own seed alone.
CANDIDATE_STRIDE = 1_000_000

# Pictures drawn at once, counted in pixels, so that 1024 px networks do not exhaust memory.
_PIXELS_AT_ONCE = 4 * 1024 * 1024


@dataclass(frozen=True)
class SamplingSettings:
    """How to sample. None leaves a value to the prior.

    Args:
        guidance: strength of classifier-free guidance.
        steps: network evaluations of the prior.
        truncation: pulls latents towards their mean; 1 leaves them.
        best_of: draw this many candidates for each picture and keep the best by the embedder.
    """

    guidance: float | None = None
    steps: int | None = None
    truncation: float = 1.0
    best_of: int = 1

    def __post_init__(self) -> None:
        if self.best_of < 1:
            raise BadInput(f"best-of {self.best_of} draws nothing", hint="Use --best-of 1 or more")
        if self.steps is not None and self.steps < 1:
            raise BadInput(f"{self.steps} steps sample nothing", hint="Use --steps 1 or more")


@dataclass(frozen=True)
class Result:
    """Pictures and what made them; entry i of every field belongs to picture i.

    Args:
        images: float32, (B, 3, H, W), range [-1, 1].
        latents: float32, (B, K, D).
        scores: float32, (B,), cosine of image and text embedding; by the same embedder that
            chose the latents, so good for ranking, not for comparing embedders.
        seeds: the seed of each picture: drawn alone with it, the picture is the same.
        prompts: the prompt of each picture.
        settings: what was used.
        milliseconds: wall time by stage: text, prior, synthesis, ranking.
    """

    images: Tensor
    latents: Tensor
    scores: Tensor
    seeds: tuple[int, ...]
    prompts: tuple[str, ...]
    settings: SamplingSettings
    milliseconds: dict[str, float]


@dataclass
class _Clock:
    device: torch.device
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        spent = (time.perf_counter() - start) * 1000
        self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent


class Pipeline:
    """A generator, an embedder and a prior that fit each other.

    Made by ``c2l.load_pipeline``, which also checks that they fit.
    """

    def __init__(
        self,
        generator: Generator,
        embedder: Embedder,
        prior: Prior,
        *,
        settings: SamplingSettings | None = None,
        recipe: str = "",
    ) -> None:
        self.generator = generator
        self.embedder = embedder
        self.prior = prior
        self.settings = settings or SamplingSettings()
        self.recipe = recipe

    @torch.inference_mode()
    def __call__(
        self,
        prompts: str | Sequence[str],
        *,
        num_images: int = 1,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        truncation: float | None = None,
        best_of: int | None = None,
    ) -> Result:
        """Draw pictures of prompts.

        Args:
            prompts: one prompt or several; each gets ``num_images`` pictures.
            num_images: pictures for each prompt, with seeds ``seed, seed + 1, ...``.
            seed: the first seed.
            seeds: the seeds themselves, instead of ``num_images`` and ``seed``.
            guidance, steps, truncation, best_of: see ``SamplingSettings``; None takes the
                pipeline's own settings.
        Returns:
            P * N pictures, those of the first prompt first.
        Raises:
            BadInput: an empty prompt, no picture asked for, a negative seed.
        """
        texts = [prompts] if isinstance(prompts, str) else list(prompts)
        chosen = tuple(range(seed, seed + num_images)) if seeds is None else tuple(seeds)
        _check(texts, chosen)
        own = self.settings
        settings = SamplingSettings(
            guidance=own.guidance if guidance is None else guidance,
            steps=own.steps if steps is None else steps,
            truncation=own.truncation if truncation is None else truncation,
            best_of=own.best_of if best_of is None else best_of,
        )

        clock = _Clock(self.generator.device)
        with clock.stage("text"):
            text = self.embedder.embed_text(texts)
        per_picture = text.repeat_interleave(len(chosen), dim=0)
        candidates = per_picture.repeat_interleave(settings.best_of, dim=0)
        candidate_seeds = [
            s + k * CANDIDATE_STRIDE for _ in texts for s in chosen for k in range(settings.best_of)
        ]
        with clock.stage("prior"):
            latents = self.prior.sample(
                candidates,
                seeds=candidate_seeds,
                guidance=settings.guidance,
                steps=settings.steps,
            )
        images, scores, winners = self._draw(latents, candidates, settings, clock)
        return Result(
            images=images,
            latents=latents[winners],
            scores=scores,
            seeds=tuple(candidate_seeds[i] for i in winners.tolist()),
            prompts=tuple(t for t in texts for _ in chosen),
            settings=settings,
            milliseconds={k: round(v, 2) for k, v in clock.milliseconds.items()},
        )

    @torch.inference_mode()
    def draw(self, latents: Tensor, *, truncation: float = 1.0) -> Tensor:
        """The pictures of latents that were sampled before: (B, K, D) to (B, 3, H, W)."""
        return self.generator.synthesize(latents, truncation=truncation, repeats=self.prior.repeats)

    def _draw(
        self, latents: Tensor, targets: Tensor, settings: SamplingSettings, clock: _Clock
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw all candidates, keep the best of each group of ``best_of``.

        Whole groups are drawn at a time, so that losers are dropped before the next are drawn.
        """
        height, width = self.generator.image_size
        groups_at_once = max(1, _PIXELS_AT_ONCE // (height * width * settings.best_of))
        images, scores, winners = [], [], []
        size = settings.best_of
        for first in range(0, len(latents), groups_at_once * size):
            part = slice(first, first + groups_at_once * size)
            with clock.stage("synthesis"):
                drawn = self.draw(latents[part], truncation=settings.truncation)
            with clock.stage("ranking"):
                seen = self.embedder.embed_images(drawn)
                cosine = F.cosine_similarity(seen, targets[part].to(seen.device)).view(-1, size)
                best = cosine.argmax(1)
                index = torch.arange(len(best), device=best.device) * size + best
                images.append(drawn[index])
                scores.append(cosine.amax(1))
                winners.append(index + first)
        return torch.cat(images), torch.cat(scores), torch.cat(winners)


def _check(prompts: Sequence[str], seeds: Sequence[int]) -> None:
    if not prompts or any(not prompt.strip() for prompt in prompts):
        raise BadInput("the prompt is empty", hint='Say what to draw: c2l sample "a happy man"')
    if not seeds:
        raise BadInput("no picture is asked for", hint="Use --num 1 or more")
    if min(seeds) < 0:
        raise BadInput(f"seed {min(seeds)} is negative", hint="Seeds are 0 or more")
