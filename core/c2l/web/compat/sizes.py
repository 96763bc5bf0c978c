"""Pictures in the size that a client asks for, whatever the generator draws."""

from __future__ import annotations

import re
from typing import NamedTuple

from PIL import Image, ImageOps

from c2l.errors import BadInput

MOST_SIDE = 4096
MOST_PIXELS = 3840 * 2160
"""Of a picture that is asked for."""


class Size(NamedTuple):
    """A width and a height, in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def parse_size(text: str | None, *, field: str = "size") -> Size | None:
    """``512x512``; None, nothing and ``auto`` leave the size to the generator.

    Raises:
        BadInput: it is no size, or a larger one than is drawn for anyone.
    """
    if text is None or text.strip().lower() in ("", "auto"):
        return None
    found = re.fullmatch(r"\s*(\d{1,9})\s*[xX]\s*(\d{1,9})\s*", text, re.ASCII)
    if found is None:
        raise BadInput(
            f"`{field}={text:.40}` is not a size", hint=f"Use `{field}=512x512`", field=field
        )
    return checked_size(int(found[1]), int(found[2]), field=field)


def checked_size(width: int, height: int, *, field: str) -> Size:
    """A size that can be asked for. Raises ``BadInput``."""
    size = Size(width, height)
    if min(size) < 1 or max(size) > MOST_SIDE or width * height > MOST_PIXELS:
        raise BadInput(
            f"a picture of {size} pixels is not drawn",
            hint=f"Use sides from 1 to {MOST_SIDE}, and {MOST_PIXELS:,} pixels at most",
            field=field,
        )
    return size


def resized(image: Image.Image, size: Size | None) -> Image.Image:
    """A picture in another size: it covers it, and what stands out is cut off on both sides."""
    if size is None or image.size == size:
        return image
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def notice_of_size(drawn: Size, size: Size | None) -> str | None:
    """What is to be said about a size that the generator does not have."""
    if size is None or drawn == size:
        return None
    how = "enlarged" if max(size) > max(drawn) else "made smaller"
    same = drawn.width * size.height == drawn.height * size.width
    cut = "" if same else " and cut"
    return f"the generator draws {drawn}; each picture was {how}{cut} to {size}"
