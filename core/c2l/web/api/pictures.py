"""Pictures as the API answers them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from pydantic import BaseModel

from c2l.service import PictureFormat, PlainPicture
from c2l.web.api.asked import Out
from c2l.web.engine import Answer


class NoticeOut(BaseModel):
    """Something that the client should know, and that is not an error.

    Args:
        kind: what it is about: words, negation, far, option and others.
        text: one line, with fields in backquotes.
        field: of the request, if it is about one.
    """

    kind: str
    text: str
    field: str | None


class LatentsOut(BaseModel):
    """Latents: float32, little-endian, row by row, in base64.

    Args:
        repeats: how many layers each code feeds; null where the generator's own layout holds.
    """

    shape: list[int]
    dtype: str = "float32"
    data: str
    repeats: list[int] | None = None


class PictureOut(BaseModel):
    """A picture.

    Args:
        image: the file in base64; null if it was not asked for.
        score: cosine of picture and prompt; null where there is no prompt.
        record: draws it again; every edit takes it.
    """

    image: str | None
    format: PictureFormat | None
    width: int
    height: int
    seed: int
    prompt: str
    score: float | None
    record: dict[str, Any]
    latents: LatentsOut | None


class Noticed(BaseModel):
    """What every answer has.

    Args:
        notices: what the client should know that is not an error.
        timings: milliseconds by stage; ``total`` is all of it, waiting included.
    """

    notices: list[NoticeOut]
    timings: dict[str, float]


class PicturesOut(Noticed):
    """An answer with pictures.

    Args:
        far: whether a prompt is far from what the recipe draws; a notice says which.
    """

    pictures: list[PictureOut]
    far: bool


def answered_pictures(answer: Answer, out: Out, milliseconds: float) -> PicturesOut:
    """An answer with its pictures encoded."""
    start = perf_counter()
    pictures = [encoded(picture, out) for picture in answer.pictures]
    encoding = (perf_counter() - start) * 1000
    notices = noticed(answer)
    return PicturesOut(
        pictures=pictures,
        notices=notices,
        far=any(notice.kind == "far" for notice in notices),
        timings=timings(answer.pictures, encoding=encoding, total=milliseconds + encoding),
    )


def noticed(answer: Answer) -> list[NoticeOut]:
    """The notices of an answer."""
    return [NoticeOut(kind=n.kind, text=n.text, field=n.field or None) for n in answer.notices]


def timings(pictures: Iterable[PlainPicture], **others: float) -> dict[str, float]:
    """Milliseconds by stage, of pictures and of what is given besides."""
    spent: dict[str, float] = {}
    for picture in pictures:
        for stage, milliseconds in picture.milliseconds.items():
            spent[stage] = spent.get(stage, 0.0) + milliseconds
    return {stage: round(value, 2) for stage, value in {**spent, **others}.items()}


def encoded(picture: PlainPicture, out: Out) -> PictureOut:
    """A picture as a file in base64, with all that belongs to it."""
    shown = picture if out.max_size is None else picture.within(out.max_size)
    file = shown.encoded(out.format, out.quality) if out.images else None
    return PictureOut(
        image=None if file is None else base64.b64encode(file).decode(),
        format=None if file is None else out.format,
        width=shown.width,
        height=shown.height,
        seed=picture.seed,
        prompt=picture.prompt,
        score=None if picture.score is None else round(picture.score, 4),
        record=dict(picture.record),
        latents=latents_out(picture) if out.return_latents else None,
    )


def latents_out(picture: PlainPicture) -> LatentsOut:
    """The latents of a picture."""
    latents = picture.latents
    repeats = None if latents.repeats is None else list(latents.repeats)
    return LatentsOut(shape=list(latents.shape), data=latents.data, repeats=repeats)
