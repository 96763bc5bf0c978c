"""Drawing one batch of pictures and looking at it."""

from __future__ import annotations

from collections.abc import Sequence

from c2l.budgets import EVALUATION
from c2l.clock import Clock
from c2l.evaluation.observations import Observations
from c2l.evaluation.observing import Observer
from c2l.evaluation.plan import Batch, Variant
from c2l.pipeline import Pipeline


def batch_size(pipeline: Pipeline) -> int:
    """How many pictures are drawn and looked at together."""
    generator = pipeline.generator
    return EVALUATION.pictures(generator.image_size, generator.device.type)


def draw_prompts(
    pipeline: Pipeline, batch: Batch, variant: Variant, observer: Observer
) -> Observations:
    """Draw pictures of prompts, as the pipeline draws them for anybody, and look at them."""
    clock = Clock(pipeline.generator.device)
    result = pipeline(
        batch.prompts, seeds=batch.seeds, guidance=variant.guidance, steps=variant.steps
    )
    clock.add(result.milliseconds)
    return observer.observe(
        result.images,
        clock,
        latents=result.latents,
        own=result.image_embeddings,
        num_thumbnails=batch.num_shown,
    )


def draw_random(pipeline: Pipeline, seeds: Sequence[int], observer: Observer) -> Observations:
    """Draw pictures of the generator's own distribution and look at them."""
    generator = pipeline.generator
    clock = Clock(generator.device)
    latents = generator.sample_latents(seeds)
    with clock.stage("synthesis"):
        images = generator.synthesize(latents)
    return observer.observe(images, clock, latents=latents)
