"""Pictures without what drew them: plain values that another thread or machine can take."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from PIL import Image

from c2l.images import record_info
from c2l.result import Picture
from c2l.sampling.operations import GivenLatents

PictureFormat = Literal["png", "jpeg", "webp"]

_PNG = {"compress_level": 1, "compress_type": zlib.Z_RLE}
"""Three times as fast as what Pillow does by itself, and as small: what PNG's filters leave of a
picture has runs, but hardly repeats itself."""


@dataclass(frozen=True)
class PlainPicture:
    """A picture that was drawn.

    Args:
        width, height: in pixels.
        pixels: RGB, three bytes each, row by row.
        seed, prompt, record: as in ``Picture``.
        score: cosine of picture and prompt by the embedder; None where there is no prompt.
        latents: its latents as an operation, which draws it again without prior and prompt.
        milliseconds: its share of the time, by stage.
    """

    width: int
    height: int
    pixels: bytes = field(repr=False)
    seed: int
    prompt: str
    score: float | None
    record: Mapping[str, Any] = field(repr=False)
    latents: GivenLatents = field(repr=False)
    milliseconds: Mapping[str, float] = field(repr=False)

    @classmethod
    def of(cls, picture: Picture) -> PlainPicture:
        """A picture as it comes from a pipeline."""
        image = picture.pil()
        from_prior = picture.pipeline is not None and "latents" not in picture.record
        repeats = picture.pipeline.prior.repeats if picture.pipeline and from_prior else None
        return cls(
            width=image.width,
            height=image.height,
            pixels=image.tobytes(),
            seed=picture.seed,
            prompt=picture.prompt,
            score=None if math.isnan(picture.score) else picture.score,
            record=dict(picture.record),
            latents=GivenLatents.of(picture.latents, repeats),
            milliseconds=dict(picture.milliseconds),
        )

    def image(self) -> Image.Image:
        """As a Pillow image."""
        return Image.frombytes("RGB", (self.width, self.height), self.pixels)

    def within(self, side: int) -> Self:
        """As it is, or smaller: no side is longer than ``side`` pixels."""
        if max(self.width, self.height) <= side:
            return self
        image = self.image()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return replace(self, width=image.width, height=image.height, pixels=image.tobytes())

    def encoded(self, format: PictureFormat = "png", quality: int = 90) -> bytes:
        """As a file. A PNG holds the record.

        Args:
            quality: of JPEG and WebP, from 1 to 100.
        """
        buffer = io.BytesIO()
        if format == "png":
            info = record_info(self.record)
            self.image().save(buffer, "PNG", pnginfo=info, **_PNG)
        else:
            self.image().save(buffer, format.upper(), quality=quality)
        return buffer.getvalue()
