"""What clients send to draw, as far as it means anything; whatever else they send is ignored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TextBody(BaseModel):
    """``POST /sdapi/v1/txt2img``. Beside these fields may stand c2l's own, as in ``Request``."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"prompt": "a happy man with a beard", "seed": 7, "width": 512, "height": 512},
                {"prompt": "a young woman", "negative_prompt": "glasses", "batch_size": 2,
                 "steps": 20, "cfg_scale": 7, "sampler_name": "Euler a"},
            ]
        },
    )  # fmt: skip

    prompt: str = Field("", description="Weights as in (hair:1.2) are left out; none: any picture.")
    negative_prompt: str = ""
    seed: int = Field(-1, description="-1 picks one at random.")
    batch_size: int = Field(1, ge=1)
    n_iter: int = Field(1, ge=1, description="Times batch_size.")
    width: int | None = Field(None, ge=1)
    height: int | None = Field(None, ge=1)
    steps: int | None = Field(None, description="Ignored, unless c2l_use_cfg_and_steps is set.")
    cfg_scale: float | None = Field(None, description="Ignored, as steps.")
    override_settings: dict[str, Any] = Field(default_factory=dict)
    send_images: bool = True

    @model_validator(mode="before")
    @classmethod
    def _without_none(cls, values: Any) -> Any:
        """Null means not given."""
        return (
            {k: v for k, v in values.items() if v is not None}
            if isinstance(values, dict)
            else values
        )


class PictureBody(TextBody):
    """``POST /sdapi/v1/img2img``."""

    init_images: list[str] = Field(min_length=1, description="In base64; the first one is taken.")
    denoising_strength: float = Field(
        0.75, description="How far from the picture: 0 is the picture, 1 a fresh one."
    )


class PngInfoBody(BaseModel):
    """``POST /sdapi/v1/png-info``."""

    image: str


class PicturesAnswer(BaseModel):
    """Pictures in base64, what was sent, and JSON as a text."""

    images: list[str]
    parameters: dict[str, Any]
    info: str
