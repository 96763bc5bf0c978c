"""Drawing pictures and looking at them, one batch of prompts at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.budgets import EVALUATION
from c2l.clock import Clock
from c2l.errors import BadInput
from c2l.evaluation.judge import Judge
from c2l.evaluation.plan import Variant
from c2l.pipeline import Pipeline, SamplingSettings

View = Callable[[Tensor], Tensor]
"""Pictures (B, 3, H, W) to features (B, E)."""

THUMBNAIL = 160


@dataclass
class Eyes:
    """All that looks at pictures.

    Args:
        views: features by name: ``own``, ``independent``, ``inception``.
        judge: sees attributes.
    """

    views: Mapping[str, View]
    judge: Judge | None

    def look(self, images: Tensor, clock: Clock) -> dict[str, Tensor]:
        """Features and attributes of pictures, on the CPU.

        What the recipe's own embedder takes counts as ranking: drawing one picture needs it too.

        Raises:
            BadInput: a feature is NaN or infinite.
        """
        seen = {}
        for name, view in self.views.items():
            with clock.stage("ranking" if name == "own" else name):
                seen[name] = view(images).float().cpu()
            if not torch.isfinite(seen[name]).all():
                raise BadInput(
                    f"the {name} features of some pictures are NaN or infinity",
                    hint="Check the weights of the generator, the prior and the embedder",
                )
        if self.judge is not None:
            with clock.stage("judge"):
                found = self.judge(images)
            seen |= {f"sees {name}": values.cpu() for name, values in found.items()}
        return seen


def draw_prompts(
    pipeline: Pipeline,
    prompts: Sequence[str],
    text: Tensor,
    seeds: Sequence[int],
    variant: Variant,
    eyes: Eyes,
    num_thumbnails: int,
) -> dict[str, Tensor]:
    """Draw pictures of prompts and look at them.

    In plain sampling the parts are called for all prompts together. The pipeline itself gives all
    its prompts the same seeds: they would share their noise, and errors that are computed over
    prompts would come out too small.

    Args:
        prompts: P of them.
        text: their embeddings, (P, E).
        seeds: N for each prompt, P * N in all.
        num_thumbnails: the first so many pictures are kept, reduced.
    Returns:
        ``latents`` (P * N, K, D), features, attributes, ``thumbnails`` uint8, milliseconds by
        stage.
    """
    clock, settings = Clock(pipeline.generator.device), pipeline.settings
    if settings.best_of > 1 or settings.negative or settings.optimise:
        drawn = _one_by_one(pipeline, prompts, seeds, variant, clock)
    else:
        with clock.stage("prior"):
            per_picture = text.repeat_interleave(len(seeds) // len(prompts), 0)
            latents = pipeline.prior.sample(per_picture, seeds=seeds, **asked(settings, variant))
        draw = partial(pipeline.draw, truncation=settings.truncation)
        drawn = _drawn(pipeline, latents, draw, clock)
    seen = _looked_at(drawn, eyes, clock, num_thumbnails)
    return seen | {f"ms {name}": torch.tensor(ms) for name, ms in clock.milliseconds.items()}


def draw_random(pipeline: Pipeline, seeds: Sequence[int], eyes: Eyes) -> dict[str, Tensor]:
    """Draw pictures of the generator's own distribution and look at them."""
    generator = pipeline.generator
    clock = Clock(generator.device)
    latents = generator.sample_latents(seeds)
    return _looked_at(_drawn(pipeline, latents, generator.synthesize, clock), eyes, clock, 0)


def asked(settings: SamplingSettings, variant: Variant) -> dict[str, Any]:
    """The keyword arguments for ``Prior.sample``: the variant's values, else the recipe's."""
    return {
        "guidance": settings.guidance if variant.guidance is None else variant.guidance,
        "steps": settings.steps if variant.steps is None else variant.steps,
        "adherence": settings.adherence,
    }


def batch_size(pipeline: Pipeline) -> int:
    """How many pictures are drawn and looked at together."""
    generator = pipeline.generator
    return EVALUATION.pictures(generator.image_size, generator.device.type)


def _drawn(
    pipeline: Pipeline, latents: Tensor, draw: View, clock: Clock
) -> Iterator[tuple[Tensor, Tensor]]:
    """Latents and their pictures, a few at a time, so that large pictures do not pile up."""
    for some in latents.split(batch_size(pipeline)):
        with clock.stage("synthesis"):
            images = draw(some)
        yield some, images


def _one_by_one(
    pipeline: Pipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    variant: Variant,
    clock: Clock,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Latents and pictures as the pipeline draws them, with all that it can do."""
    each = len(seeds) // len(prompts)
    for i, prompt in enumerate(prompts):
        own = seeds[i * each : (i + 1) * each]
        result = pipeline(prompt, seeds=own, **asked(pipeline.settings, variant))
        clock.add(result.milliseconds)
        yield result.latents, result.images


def _looked_at(
    drawn: Iterable[tuple[Tensor, Tensor]], eyes: Eyes, clock: Clock, num_thumbnails: int
) -> dict[str, Tensor]:
    """What is seen in pictures, their latents, and thumbnails of the first ones."""
    parts: list[dict[str, Tensor]] = []
    thumbnails: list[Tensor] = []
    for latents, images in drawn:
        missing = num_thumbnails - sum(map(len, thumbnails))
        if missing > 0:
            thumbnails.append(thumbnails_of(images[:missing]))
        parts.append({"latents": latents.float().cpu(), **eyes.look(images, clock)})
    seen = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    if thumbnails:
        seen["thumbnails"] = torch.cat(thumbnails)
    return seen


def thumbnails_of(images: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) to uint8, no side longer than ``THUMBNAIL``."""
    longest = max(images.shape[-2:])
    if longest > THUMBNAIL:
        scale = THUMBNAIL / longest
        size = [max(1, round(side * scale)) for side in images.shape[-2:]]
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
    return (images.detach().cpu() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
