"""Settings of the diffusion prior."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from c2l import Bridge, PriorSettings
from c2l.ranges import Adherence, Count, Drop, Guidance, Positive, Size, Steps
from c2l_priors.diffusion_samplers import SamplerName

PAPER = "paper"
"""The gap of the paper: raw embeddings, and isotropic noise while training."""


def _check_gap(text: str) -> str:
    return text if text == PAPER else Bridge.check_ingredients(text)


class DiffusionSettings(PriorSettings):
    """What decides a ``DiffusionPrior``.

    Args:
        width: of the network; None: E where E = D, as in the paper, else 256.
        depth: its layers.
        heads: of its attention.
        head_width: width of each head.
        expansion: how much wider a layer is inside.
        num_timesteps: T.
        embedding_scale: embeddings are multiplied by this.
        gap: ingredients of the bridge from text to pictures, see ``c2l.Bridge``; ``paper``
            for the paper's.
        noise: length of the noise added to unit embeddings while training.
        adherence: the default of ``sample``.
        drop: how often training hides the embedding.
        sampler: of ``sample``, see ``c2l_priors.diffusion_samplers``.
        guidance: the default of ``sample``.
        steps: the default of ``sample``; None: what suits the sampler.
    """

    width: Count = Field(default=None, validate_default=True)
    depth: Count = 6
    heads: Count = 8
    head_width: Count = 64
    expansion: Count = 4
    num_timesteps: Count = 1000
    embedding_scale: Positive = 1.0
    gap: Annotated[str, AfterValidator(_check_gap)] = PAPER
    noise: Size = 1.0
    adherence: Adherence = 1.0
    drop: Drop = 0.2
    sampler: SamplerName = "dpm++2m"
    guidance: Guidance = 2.0
    steps: Steps | None = None

    @field_validator("width", mode="before")
    @classmethod
    def _default_width(cls, width: Any, info: ValidationInfo) -> Any:
        if width is not None:
            return width
        from_width = info.data.get("embedding_width")
        same = from_width is not None and from_width == info.data.get("latent_width")
        return from_width if same else 256
