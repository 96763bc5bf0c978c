"""Image prompts as people type them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2l.editing.image_prompt import edit_like
from c2l.errors import BadInput
from c2l.photos import read_photo
from c2l.result import slug
from c2l.sampling.request import Request
from c2l.service.editing import TypedEdit
from c2l.service.notices import notices_before
from c2l.service.session import Session
from c2l.service.typed import DEFAULT_NUM, blended

_HOW = ("guidance", "steps", "adherence", "negative", "class_label")
_PARTS = ("recipe", "generator", "embedder", "prior", "device", "precision")


def typed_like(
    session: Session,
    image: Path | None,
    prompt: str | None = None,
    *,
    also: Sequence[str] | None = None,
    weight: float | None = None,
    num_images: int | None = None,
    seeds: Sequence[int] | str | None = None,
    negative: Sequence[str] | None = None,
    truncation: float | None = None,
    **fields: Any,
) -> TypedEdit:
    """Pictures that show what an image shows, or something between that and a prompt.

    Args:
        image: a picture file of any origin.
        also: texts to blend into the prompt, as in ``typed_request``.
        weight: of the image, if there is a prompt; half by default.
        num_images: 4 by default.
        seeds: a random one and those that follow by default.
        fields: guidance, steps, adherence and class_label; recipe, generator, embedder, prior,
            device and precision.
    Raises:
        BadInput: no image, or a field that is not for image prompts.
        BadPicture, and as ``Session.pipeline``.
    """
    if image is None:
        raise BadInput("there is no photo", hint="Give one, as in photo.jpg", field="image")
    given = {name: value for name, value in fields.items() if value is not None}
    for unfit in given.keys() - {*_HOW, *_PARTS}:
        raise BadInput(f"an image prompt takes no `{unfit}`", hint="Leave it out", field=unfit)
    if also and prompt is None:
        raise BadInput("there is no prompt to blend into", hint="Give one", field="also")
    if weight is not None and prompt is None:
        raise BadInput(
            "there is no prompt to weigh the image against", hint="Give one", field="weight"
        )
    read = read_photo(image, field="image")
    if negative:
        given["negative"] = ", ".join(negative)
    text: Any = None if prompt is None else blended(prompt, also)
    request = Request(**{"prompt": "anything" if text is None else text, **given})
    pipeline = session.pipeline(request)
    if text is not None:
        for notice in notices_before(pipeline, request):
            session.tell(notice)
    chosen = secrets.randbelow(1_000_000) if seeds is None else None
    counts: dict[str, Any] = {"seeds": seeds, "seed": chosen}
    if seeds is None or num_images is not None:  # which the request says if both are given
        counts["num_images"] = DEFAULT_NUM if num_images is None else num_images
    edit = edit_like(
        pipeline,
        read,
        request.prompts[0] if text is not None else None,
        weight=0.5 if weight is None else weight,
        truncation=truncation,
        name=f"{slug(image.stem)}-like",
        **counts,
        **{name: given[name] for name in _HOW if name in given},
    )
    return TypedEdit(edit, chosen_seed=chosen)
