"""Operations on latents: what a request's ``latents`` may say, and carrying it out.

``DrawRequest(latents=Mix(base=..., other=..., layers=(0, 1)))`` asks for a picture that records how
it was made; ``latents_of(pipeline, operation)`` gives its latents.
"""

from c2l.editing.apply import draw_operation, latents_of
from c2l.sampling.operations import (
    Direct,
    GivenLatents,
    Interpolate,
    Mix,
    Operation,
    RandomLatents,
    SampleLatents,
)

__all__ = [
    "Direct",
    "GivenLatents",
    "Interpolate",
    "Mix",
    "Operation",
    "RandomLatents",
    "SampleLatents",
    "draw_operation",
    "latents_of",
]
