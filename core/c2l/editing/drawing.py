"""Pictures of operations, a few at a time, and the record of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch.nn.functional import cosine_similarity

from c2l.budgets import FRAMES
from c2l.clock import Clock
from c2l.editing.apply import latents_of
from c2l.errors import BadInput
from c2l.prompts.blends import embed_prompts, name_of
from c2l.sampling.classes import name_classes
from c2l.sampling.drawing import Drawing
from c2l.sampling.operations import (
    Operation,
    PhotoLatents,
    RandomLatents,
    SampleLatents,
    Vary,
    inner,
)
from c2l.sampling.parts import Parts, refuse_nonfinite
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import DrawSettings
from c2l.sampling.texts import as_written


@torch.no_grad()
def draw_all(
    parts: Parts,
    operations: Sequence[Operation],
    *,
    truncation: float,
    prompt: dict[str, float] | None,
) -> Iterator[Drawing]:
    """Draw operations, as many at once as memory allows.

    Args:
        prompt: what the pictures are scored by; it does not draw.
    Raises:
        BadInput: as ``latents_of``; or the latents hold NaN or infinity.
    """
    generator = parts.generator
    at_once = FRAMES.pictures(generator.image_size, generator.device.type)
    target = embed_prompts(parts.embedder, [prompt]) if prompt else None
    for first in range(0, len(operations), at_once):
        some = operations[first : first + at_once]
        clock = Clock(generator.device)
        with clock.stage("latents"):
            latents = latents_of(parts, *some)
            if not torch.isfinite(latents).all():
                raise BadInput(
                    "the latents hold NaN or infinity", hint="Use others", field="latents"
                )
        with clock.stage("synthesis"):
            images = generator.synthesize(latents, truncation=truncation)
        with clock.stage("ranking"):
            seen = parts.embedder.embed_images(images)
            scores = seen.new_full((len(seen),), math.nan)
            if target is not None:
                scores = cosine_similarity(seen, target.to(seen.device))
        refuse_nonfinite(parts, latents, images, seen)
        names = name_classes(generator, latents) or [""] * len(some)
        yield Drawing(
            images=images,
            latents=latents,
            image_embeddings=seen,
            scores=scores,
            seeds=tuple(map(seed_of, some)),
            prompts=tuple(name_of(prompt) if prompt else title_of(o) for o in some),
            settings=DrawSettings(truncation=truncation),
            milliseconds={k: round(v, 2) for k, v in clock.milliseconds.items()},
            records=tuple(
                {
                    "schema": SCHEMA,
                    **({"prompt": as_written(prompt)} if prompt else {}),
                    "latents": operation.model_dump(mode="json", exclude_none=True),
                    "truncation": truncation,
                    **({"score": round(score, 4)} if prompt else {}),
                    **({"drawn_class": name} if name else {}),
                    **parts.provenance,
                }
                for operation, score, name in zip(some, scores.tolist(), names, strict=True)
            ),
        )


def seed_of(operation: Operation) -> int:
    """The seed that tells a picture from its neighbours."""
    if isinstance(operation, (SampleLatents, PhotoLatents, RandomLatents, Vary)):
        return operation.seed
    return seed_of(inner(operation)[0]) if inner(operation) else 0


def title_of(operation: Operation) -> str:
    """The first prompt within an operation; or what kind of operation it is."""
    if isinstance(operation, SampleLatents):
        return name_of(operation.prompt)
    return title_of(inner(operation)[0]) if inner(operation) else operation.op
