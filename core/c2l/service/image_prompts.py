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

_HOW = ("guidance", "adherence", "negative")


def typed_like(
    session: Session,
    photo: Path | None,
    prompt: str | None = None,
    *,
    weight: float = 0.5,
    num: int = 4,
    seed: int | None = None,
    negative: Sequence[str] | None = None,
    truncation: float | None = None,
    **fields: Any,
) -> TypedEdit:
    """Pictures that show what a photo shows, or something between that and a prompt.

    Args:
        seed: of the first picture; a random one by default.
        fields: guidance and adherence; recipe, generator, embedder, prior, device and precision.
    Raises:
        BadInput, BadPicture, and as ``Session.pipeline``.
    """
    if photo is None:
        raise BadInput("there is no photo", hint="Give one, as in photo.jpg", field="photo")
    read = read_photo(photo, field="photo")
    given = {name: value for name, value in fields.items() if value is not None}
    if negative:
        given["negative"] = ", ".join(negative)
    request = Request(**{"prompt": prompt or "anything", **given})
    pipeline = session.pipeline(request)
    if prompt is not None:
        for notice in notices_before(pipeline, request):
            session.tell(notice)
    edit = edit_like(
        pipeline,
        read,
        prompt,
        weight=weight,
        num_images=num,
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        truncation=truncation,
        name=f"{slug(photo.stem)}-like",
        **{name: given[name] for name in _HOW if name in given},
    )
    return TypedEdit(edit)
