"""Film strips: the frames of a walk side by side."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence

from PIL import Image
from pydantic import BaseModel

from c2l.service import PictureFormat, PlainPicture
from c2l.web.api.asked import Out

MOST_WIDTH = 16_000
"""In pixels: a little less than what JPEG and WebP can hold."""


class StripOut(BaseModel):
    """Pictures side by side, as a file in base64."""

    image: str
    format: PictureFormat
    width: int
    height: int


def strip_of(pictures: Sequence[PlainPicture], out: Out) -> StripOut:
    """Pictures of one size side by side, as small as they have to be."""
    side = min(out.max_size or MOST_WIDTH, max(16, MOST_WIDTH // len(pictures)))
    shown = [picture.within(side) for picture in pictures]
    width, height = shown[0].width, shown[0].height
    strip = Image.new("RGB", (width * len(shown), height))
    for number, picture in enumerate(shown):
        strip.paste(picture.image(), (number * width, 0))
    whole = dataclasses.replace(
        shown[0], width=strip.width, height=height, pixels=strip.tobytes(), record={}
    )
    data = base64.b64encode(whole.encoded(out.format, out.quality)).decode()
    return StripOut(image=data, format=out.format, width=strip.width, height=height)
