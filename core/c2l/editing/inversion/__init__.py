"""From a photo to latents: the prior's answer for it, and gradient descent from there."""

from c2l.editing.inversion.distance import Distance
from c2l.editing.inversion.invert import STEPS, Inversion, Space, invert
from c2l.editing.inversion.picture import InversionInterrupted, Inverted, inverted
from c2l.editing.inversion.start import first_latents

__all__ = [
    "STEPS",
    "Distance",
    "Inversion",
    "InversionInterrupted",
    "Inverted",
    "Space",
    "first_latents",
    "invert",
    "inverted",
]
