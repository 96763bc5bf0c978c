"""Operations on latents: what a request's ``latents`` may say, and carrying it out.

``DrawRequest(latents=Mix(base=..., other=..., layers=(0, 1)))`` asks for a picture that records how
it was made; ``latents_of(pipeline, operation)`` gives its latents. ``pipeline.edit``,
``pipeline.walk`` and the methods of pictures make an ``Edit``: operations that can be drawn.
"""

from c2l.editing.apply import latents_of
from c2l.editing.edit import Edit
from c2l.editing.layers import mixed
from c2l.editing.walk import Walk
from c2l.sampling.operations import (
    Direct,
    GivenLatents,
    Interpolate,
    Mix,
    Operation,
    PhotoLatents,
    RandomLatents,
    SampleLatents,
    Vary,
)

__all__ = [
    "Direct",
    "Edit",
    "GivenLatents",
    "Interpolate",
    "Mix",
    "Operation",
    "PhotoLatents",
    "RandomLatents",
    "SampleLatents",
    "Vary",
    "Walk",
    "latents_of",
    "mixed",
]
