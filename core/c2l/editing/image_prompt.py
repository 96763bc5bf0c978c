"""Image prompts: what a picture of any origin shows, drawn by the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from c2l.editing.edit import Edit
from c2l.photos import Photo
from c2l.ranges import MOST_SEED
from c2l.sampling.operations import HINTS, PhotoLatents, packed
from c2l.sampling.request import DrawRequest
from c2l.validation import bad_input

if TYPE_CHECKING:
    from c2l.pipeline import Pipeline
    from c2l.prompts.blends import Prompt

_HOW = ("negative", "negative_by", "guidance", "steps", "adherence")


@torch.no_grad()
def edit_like(
    pipeline: Pipeline,
    photo: Photo,
    prompt: Prompt | None = None,
    *,
    weight: float = 0.5,
    num_images: int = 1,
    seed: int = 0,
    truncation: float | None = None,
    name: str = "like",
    **how: Any,
) -> Edit:
    """Pictures that show what a photo shows, or something between that and a prompt.

    The photo is embedded in the shape of the generator's pictures, which the prior learnt from. The
    embedding is in the record: to draw the picture again, the photo is not needed.
    """
    asked: dict[str, Any] = {"prompt": "a picture" if prompt is None else prompt, **how}
    request = DrawRequest(num_images=num_images, seed=seed, **asked)
    given = {name: getattr(request, name) for name in _HOW}
    pixels = photo.fitted(pipeline.generator.image_size).pixels
    embedding = packed(pipeline.embedder.embed_images(pixels)[0])
    with bad_input({**HINTS, "weight": "Use `weight` from 0, the prompt, to 1, the picture"}):
        operations = [
            PhotoLatents(
                photo=photo.sha256,
                embedding=embedding,
                seed=(seed + i) % (MOST_SEED + 1),
                prompt=request.prompts[0] if prompt is not None else None,
                weight=weight,
                **given,
            )
            for i in range(num_images)
        ]
    return Edit(pipeline, operations, truncation=truncation, name=name)
