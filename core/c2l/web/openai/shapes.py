"""What OpenAI's clients send and expect."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from c2l.web.api.asked import A_PIXEL
from c2l.web.compat.encoding import FileFormat

MOST_PARTIAL = 3
"""Partial pictures of each picture in a stream."""


def _lower(value: Any) -> Any:
    text = value.strip().lower() if isinstance(value, str) else value
    return "jpeg" if text == "jpg" else text


class Asked(BaseModel):
    """What the three routes have in common: how many, in which size and format, and how drawn.

    The last fields are c2l's own; what they mean, and their ranges, see ``Request``.
    """

    model_config = ConfigDict(extra="allow")

    model: Any = Field(None, description="A recipe; OpenAI's names mean the default one.")
    n: int = Field(1, ge=1, description="Pictures.")
    size: str | None = Field(
        None, description="As in 512x512; each picture covers it, and what stands out is cut off."
    )
    response_format: Annotated[Literal["b64_json", "url"], BeforeValidator(_lower)] = "b64_json"
    output_format: Annotated[FileFormat, BeforeValidator(_lower)] = "png"
    output_compression: int = Field(100, ge=0, le=100, description="Quality of JPEG and WebP.")

    seed: Any = Field(None, description="Of the first picture; the next ones follow.")
    seeds: Any = Field(None, description="Of each picture, instead of n: 1,2,5-10 or a list.")
    guidance: Any = Field(None, description="Also guidance_scale.")
    steps: Any = Field(None, description="Also num_inference_steps.")
    adherence: Any = None
    negative: Any = Field(None, description="Also negative_prompt.")
    negative_by: Any = None
    truncation: Any = None
    class_label: Any = Field(None, description="Name or number of a class, where there are any.")


class Streamed(Asked):
    """What may be asked for as a stream of events."""

    prompt: str
    stream: bool = False
    partial_images: int = Field(0, ge=0, le=MOST_PARTIAL)


class GenerationsBody(Streamed):
    """``POST /v1/images/generations``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"prompt": "a happy man with a beard", "n": 2, "seed": 7},
                {
                    "model": "demo-faces",
                    "prompt": "a young woman with long red hair",
                    "size": "256x192",
                    "output_format": "webp",
                    "output_compression": 90,
                    "negative": "glasses",
                    "truncation": 0.9,
                },
            ]
        }
    )

    best_of: Any = None
    rank_by: Any = None
    optimise: Any = None


class EditsBody(Streamed):
    """``POST /v1/images/edits``; the picture is ``image``."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"image": A_PIXEL, "prompt": "with eyeglasses", "seed": 7}]}
    )

    weight: float | None = Field(
        None, ge=0, le=1, description="Of a picture without a record, against the prompt."
    )
    input_fidelity: Annotated[Literal["low", "high"], BeforeValidator(_lower)] = "low"


class VariationsBody(Asked):
    """``POST /v1/images/variations``; the picture is ``image``."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"image": A_PIXEL, "amount": 0.4, "n": 2, "seed": 7}]}
    )

    amount: float = Field(0.5, ge=0, le=1, description="How far away: 0 is the picture itself.")


IGNORED = {
    "background",
    "complexity",
    "frame_count",
    "frame_duration_ms",
    "markup",
    "mask",
    "moderation",
    "quality",
    "safety_identifier",
    "style",
    "svg",
    "user",
}
"""OpenAI's fields that mean nothing to a GAN."""

TOLD = {
    "background": "`background` is ignored: the generator draws the whole picture",
    "frame_count": "`frame_count` is ignored: a GIF holds one picture",
    "mask": "`mask` is ignored: the whole picture may change",
    "markup": "`markup` is ignored",
}
"""Those of them that somebody may wait for in vain."""


class Model(BaseModel):
    """A recipe, as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "c2l"
    summary: str
    licences: dict[str, str]
    prompts: list[str]


class ModelList(BaseModel):
    """All recipes."""

    object: Literal["list"] = "list"
    data: list[Model]


class SaidNotice(BaseModel):
    """Something to know that is not an error."""

    kind: str
    text: str


class ImageData(BaseModel):
    """A picture: base64, or a URL that holds for an hour."""

    b64_json: str | None = None
    url: str | None = None
    seed: int
    score: float | None = None


class ImagesAnswer(BaseModel):
    """Pictures, with c2l's own facts beside OpenAI's."""

    created: int
    data: list[ImageData]
    background: Literal["opaque"] = "opaque"
    output_format: FileFormat
    size: str
    drawn_size: str
    model: str
    made_from: Literal["record", "pixels"] | None = Field(
        None, description="Of edits and variations: the latents in a PNG's record, or its pixels."
    )
    notices: list[SaidNotice]
