"""Image prompts: what a picture of any origin shows, drawn by the prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from c2l.editing.edit import Edit
from c2l.errors import BadInput
from c2l.photos import Photo
from c2l.sampling.operations import HINTS, PhotoLatents, packed
from c2l.sampling.request import DrawRequest
from c2l.validation import bad_input

if TYPE_CHECKING:
    from c2l.pipeline import Pipeline
    from c2l.prompts.blends import Prompt

_HOW = ("negative", "negative_by", "guidance", "steps", "adherence", "class_label")


@torch.no_grad()
def edit_like(
    pipeline: Pipeline,
    photo: Photo,
    prompt: Prompt | None = None,
    *,
    weight: float = 0.5,
    num_images: int | None = None,
    seed: int | None = None,
    seeds: Sequence[int] | str | None = None,
    truncation: float | None = None,
    name: str = "like",
    **how: Any,
) -> Edit:
    """Pictures that show what a photo shows, or something between that and a prompt.

    The photo is embedded in the shape of the generator's pictures, which the prior learnt from. The
    embedding is in the record: to draw the picture again, the photo is not needed.

    Args:
        prompt: None for the photo alone.
        weight: of the photo, if there is a prompt.
        num_images, seed, seeds: as in ``DrawRequest``; 1 picture of seed 0 by default.
        how: guidance and the like.
    Raises:
        BadInput: a value is out of range.
    """
    for unfit in sorted(how.keys() - set(_HOW)):
        raise BadInput(f"an image prompt takes no `{unfit}`", hint="Leave it out", field=unfit)
    if seed is None and seeds is None:
        seed = 0
    counts = {"num_images": num_images, "seed": seed, "seeds": seeds}
    asked: dict[str, Any] = {"prompt": "a picture" if prompt is None else prompt, **counts, **how}
    request = DrawRequest(**asked)
    given = {name: getattr(request, name) for name in _HOW}
    pixels = photo.fitted(pipeline.generator.image_size).pixels
    embedding = packed(pipeline.embedder.embed_images(pixels)[0])
    with bad_input({**HINTS, "weight": "Use `weight` from 0, the prompt, to 1, the picture"}):
        operations = [
            PhotoLatents(
                photo=photo.sha256,
                embedding=embedding,
                seed=own,
                prompt=request.prompts[0] if prompt is not None else None,
                weight=weight,
                **given,
            )
            for own in request.seed_lists[0]
        ]
    return Edit(pipeline, operations, truncation=truncation, name=name)


def only_prompt(prompts: Prompt | Sequence[Prompt] | None) -> Prompt | None:
    """The one prompt that an image is blended with, if there is any.

    Raises:
        BadInput: there are several.
    """
    if prompts is None or isinstance(prompts, (str, Mapping)):
        return prompts
    if len(prompts) > 1:
        raise BadInput(
            f"an image prompt is blended with one prompt, not {len(prompts)}",
            hint="Give one",
            field="prompts",
        )
    return prompts[0] if prompts else None
