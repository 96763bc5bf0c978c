"""Prompt to embedding to latents to images, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l.clock import Clock
from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.prior import Prior
from c2l.prompts.blends import Prompt, as_prompts, embed_prompts, name_of
from c2l.sample_options import CHOICES
from c2l.sampling.optimising import optimise as optimise_latents

# Candidate k of the picture with seed s has seed s + k * CANDIDATE_STRIDE: candidate 0 is what
# the seed gives without ranking, and a winner can be drawn again from its own seed alone.
CANDIDATE_STRIDE = 1_000_000

# Pictures drawn at once, counted in pixels, so that 1024 px networks do not exhaust memory.
_PIXELS_AT_ONCE = 4 * 1024 * 1024

# Latents drawn at once.
_LATENTS_AT_ONCE = 1024

FINALISTS = 4
"""Candidates that are rendered where the student ranks them: it is nearly right, not quite."""

MOST_GUIDANCE = 100
MOST_TRUNCATION = 2
"""Beyond these, priors and generators give rubbish, and at last NaN."""

RankBy = Literal["pictures", "student"]


@dataclass(frozen=True)
class SamplingSettings:
    """How to sample. None leaves a value to the prior.

    Args:
        guidance: strength of classifier-free guidance, from 0 to ``MOST_GUIDANCE``.
        steps: network evaluations of the prior.
        adherence: how literally to take the prompt, from 0 to 1.
        negative: what to stay away from; empty for nothing.
        truncation: pulls latents towards their mean; 1 leaves them, 0 gives the mean, and below
            that come their opposites. Its size is at most ``MOST_TRUNCATION``.
        best_of: draw this many candidates for each picture and keep the best by the embedder.
        rank_by: ``pictures`` renders every candidate; ``student`` lets the prior's student guess
            and renders only the few that it likes best.
        optimise: steps of gradient descent on each kept latent, see ``c2l.sampling.optimising``.
    Raises:
        BadInput: naming every value that is out of range or no number.
    """

    guidance: float | None = None
    steps: int | None = None
    adherence: float | None = None
    negative: str = ""
    truncation: float = 1.0
    best_of: int = 1
    rank_by: RankBy = "pictures"
    optimise: int = 0

    def __post_init__(self) -> None:
        guidance, steps, adherence = self.guidance, self.steps, self.adherence
        # In chains of comparisons, which NaN fails as well.
        checks = (
            (
                guidance is None or 0 <= guidance <= MOST_GUIDANCE,
                f"a guidance of {guidance} is out of range",
                f"--guidance 0 to {MOST_GUIDANCE}",
            ),
            (steps is None or steps >= 1, f"{steps} steps sample nothing", "--steps 1 or more"),
            (
                adherence is None or 0 <= adherence <= 1,
                f"an adherence of {adherence} is out of range",
                "--adherence 0 to 1",
            ),
            (
                -MOST_TRUNCATION <= self.truncation <= MOST_TRUNCATION,
                f"a truncation of {self.truncation} is out of range",
                f"--truncation -{MOST_TRUNCATION} to {MOST_TRUNCATION}",
            ),
            (
                self.best_of >= 1,
                f"best-of {self.best_of} draws nothing",
                "--best-of 1 or more",
            ),
            (
                self.rank_by in ("pictures", "student"),
                f"nothing ranks by '{self.rank_by}'",
                "--rank-by pictures or student",
            ),
            (self.optimise >= 0, f"{self.optimise} steps of optimising", "--optimise 0 or more"),
        )
        wrong = {fault: hint for right, fault, hint in checks if not right}
        if wrong:
            raise BadInput("; ".join(wrong), hint=f"Use {', '.join(wrong.values())}")

    def heard_by(self, prior: Prior) -> SamplingSettings:
        """Without the values that a prior has no use for: those that decide what is drawn."""
        unheard: dict[str, Any] = {
            name: "" if name == "negative" else None for name in CHOICES - prior.supported_options
        }
        return replace(self, **unheard)


@dataclass(frozen=True)
class Result:
    """Pictures and what made them; entry i of every field belongs to picture i.

    Args:
        images: float32, (B, 3, H, W), range [-1, 1].
        latents: float32, (B, K, D).
        scores: float32, (B,), cosine of image and text embedding; by the same embedder that
            chose the latents, so good for ranking, not for comparing embedders.
        seeds: the seed of each picture: drawn alone with it, the picture is the same.
        prompts: the prompt of each picture; a blend in one line, as in ``a man + a pirate:0.4``.
        settings: what was used; None, or an empty text, for what the prior has no use for.
        milliseconds: wall time by stage: text, prior, synthesis, ranking; and student, optimising
            where they were asked for.
    """

    images: Tensor
    latents: Tensor
    scores: Tensor
    seeds: tuple[int, ...]
    prompts: tuple[str, ...]
    settings: SamplingSettings
    milliseconds: dict[str, float]


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
        prompts: Prompt | Sequence[Prompt],
        *,
        num_images: int = 1,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        adherence: float | None = None,
        negative: str | None = None,
        truncation: float | None = None,
        best_of: int | None = None,
        rank_by: RankBy | None = None,
        optimise: int | None = None,
    ) -> Result:
        """Draw pictures of prompts.

        Args:
            prompts: one prompt or several; each gets ``num_images`` pictures. A prompt is a text,
                or several texts blended by weight: ``{"a man": 1, "a pirate": 0.4}``.
            num_images: pictures for each prompt, with seeds ``seed, seed + 1, ...``.
            seed: the first seed.
            seeds: the seeds themselves, instead of ``num_images`` and ``seed``.
            guidance, steps, adherence, negative, truncation, best_of, rank_by, optimise: see
                ``SamplingSettings``; None takes the pipeline's own settings.
        Returns:
            P * N pictures, those of the first prompt first.
        Raises:
            BadInput: an empty prompt, no picture asked for, a negative seed, a student asked for
                that the prior does not have.
        """
        asked = as_prompts(prompts)
        chosen = tuple(range(seed, seed + num_images)) if seeds is None else tuple(seeds)
        _check_seeds(chosen)
        given: dict[str, Any] = {
            "guidance": guidance,
            "steps": steps,
            "adherence": adherence,
            "negative": negative,
            "truncation": truncation,
            "best_of": best_of,
            "rank_by": rank_by,
            "optimise": optimise,
        }
        settings = replace(self.settings, **{k: v for k, v in given.items() if v is not None})
        settings = settings.heard_by(self.prior)

        clock = Clock(self.generator.device)
        with clock.stage("text"):
            text = embed_prompts(self.embedder, asked)
            against = self.embedder.embed_text([settings.negative]) if settings.negative else None
        targets = text.repeat_interleave(len(chosen), dim=0)
        seeds_of = torch.tensor(
            [
                [s + k * CANDIDATE_STRIDE for k in range(settings.best_of)]
                for _ in asked
                for s in chosen
            ]
        )
        with clock.stage("prior"):
            latents = self._sample(targets, seeds_of, against, settings)
        if settings.rank_by == "student" and settings.best_of > FINALISTS:
            with clock.stage("student"):
                kept = self._liked_by_student(latents, targets)
            latents = latents.gather(1, kept[..., None, None].expand(-1, -1, *latents.shape[2:]))
            seeds_of = seeds_of.gather(1, kept.cpu())
        images, scores, best = self._draw(latents, targets, settings.truncation, clock)
        rows = torch.arange(len(best))
        winners = latents[rows, best]
        if settings.optimise:
            with clock.stage("optimising"):
                winners = optimise_latents(
                    self.generator,
                    self.embedder,
                    winners,
                    targets,
                    steps=settings.optimise,
                    truncation=settings.truncation,
                    repeats=self.prior.repeats,
                )
            images, scores, _ = self._draw(winners[:, None], targets, settings.truncation, clock)
        return Result(
            images=images,
            latents=winners,
            scores=scores,
            seeds=tuple(seeds_of[rows, best.cpu()].tolist()),
            prompts=tuple(name_of(prompt) for prompt in asked for _ in chosen),
            settings=settings,
            milliseconds={k: round(v, 2) for k, v in clock.milliseconds.items()},
        )

    @torch.inference_mode()
    def draw(self, latents: Tensor, *, truncation: float = 1.0) -> Tensor:
        """The pictures of latents that were sampled before: (B, K, D) to (B, 3, H, W)."""
        return self.generator.synthesize(latents, truncation=truncation, repeats=self.prior.repeats)

    def _sample(
        self, targets: Tensor, seeds: Tensor, against: Tensor | None, settings: SamplingSettings
    ) -> Tensor:
        """Latents (B, C, K, D) for targets (B, E) and the seeds (B, C) of their candidates."""
        candidates = targets.repeat_interleave(seeds.shape[1], dim=0)
        latents = [
            self.prior.sample(
                part,
                seeds=some.tolist(),
                guidance=settings.guidance,
                steps=settings.steps,
                adherence=settings.adherence,
                negative=None if against is None else against.expand(len(part), -1),
            )
            for part, some in zip(
                candidates.split(_LATENTS_AT_ONCE),
                seeds.flatten().split(_LATENTS_AT_ONCE),
                strict=True,
            )
        ]
        return torch.cat(latents).unflatten(0, seeds.shape)

    def _liked_by_student(self, latents: Tensor, targets: Tensor) -> Tensor:
        """Which candidates of (B, C, K, D) the student thinks nearest to the text, (B, FINALISTS).

        They keep their order, so that ties fall as they do among pictures.
        """
        student = self.prior.student
        if student is None:
            raise BadInput(
                "this prior has no student to rank by",
                hint="Use --rank-by pictures, or train the prior again",
            )
        seen = torch.cat([student(part) for part in latents.flatten(0, 1).split(_LATENTS_AT_ONCE)])
        wanted = F.normalize(targets.to(seen.device), dim=1)
        cosine = (seen.unflatten(0, latents.shape[:2]) @ wanted[:, :, None])[..., 0]
        return cosine.topk(FINALISTS, dim=1).indices.sort(dim=1).values

    def _draw(
        self, latents: Tensor, targets: Tensor, truncation: float, clock: Clock
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the candidates (B, C, K, D) and keep the best for each of the targets (B, E).

        All candidates of a target are drawn at a time, so that losers are dropped before the next
        are drawn.

        Returns:
            images (B, 3, H, W), their cosines (B,), and which candidates they are, (B,).
        """
        height, width = self.generator.image_size
        size = latents.shape[1]
        at_once = max(1, _PIXELS_AT_ONCE // (height * width * size))
        images, scores, winners = [], [], []
        for part, wanted in zip(latents.split(at_once), targets.split(at_once), strict=True):
            with clock.stage("synthesis"):
                drawn = self.draw(part.flatten(0, 1), truncation=truncation)
            with clock.stage("ranking"):
                seen = self.embedder.embed_images(drawn).unflatten(0, (-1, size))
                cosine = F.cosine_similarity(seen, wanted.to(seen.device)[:, None], dim=2)
                best = cosine.argmax(1)
                rows = torch.arange(len(best), device=best.device)
                images.append(drawn.unflatten(0, (-1, size))[rows, best])
                scores.append(cosine[rows, best])
                winners.append(best)
        return torch.cat(images), torch.cat(scores), torch.cat(winners)


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds:
        raise BadInput("no picture is asked for", hint="Use --num 1 or more")
    if min(seeds) < 0:
        raise BadInput(f"seed {min(seeds)} is negative", hint="Seeds are 0 or more")
