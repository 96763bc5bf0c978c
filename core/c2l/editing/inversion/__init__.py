"""From a photo to latents: the prior's answer for it, and gradient descent from there."""

from c2l.editing.inversion.distance import Distance
from c2l.editing.inversion.invert import Inversion, InversionInterrupted, invert
from c2l.editing.inversion.start import first_latents

__all__ = ["Distance", "Inversion", "InversionInterrupted", "first_latents", "invert"]
