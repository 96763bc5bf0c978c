"""Pictures as files, in the size and format that a client asks for."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Literal

from c2l.service import PlainPicture
from c2l.web.compat.sizes import Size, resized

FileFormat = Literal["png", "jpeg", "webp", "gif"]


def in_size(picture: PlainPicture, size: Size | None) -> PlainPicture:
    """A picture in another size, by the rule of ``resized``; None for the one that it has."""
    if size is None or size == (picture.width, picture.height):
        return picture
    pixels = resized(picture.image(), size).tobytes()
    return replace(picture, width=size.width, height=size.height, pixels=pixels)


def encoded(picture: PlainPicture, format: FileFormat, quality: int) -> bytes:
    """A picture as a file. A PNG holds the record.

    Args:
        quality: of JPEG and WebP, from 0 to 100.
    """
    if format != "gif":
        return picture.encoded(format, max(1, quality))
    buffer = io.BytesIO()
    picture.image().save(buffer, "GIF")
    return buffer.getvalue()
