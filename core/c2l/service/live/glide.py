"""Numbers that follow other numbers without a jump, however often those change."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_REACHED = 6.64
"""Time constants after which a critically damped spring has gone 99 % of its way."""

_NEAR = 2e-3
"""What counts as there, in units of ``scale``: nobody sees it in a picture."""


class Glide:
    """A critically damped spring for each number: no jump, no overshoot, no step in its speed.

    A way with a beginning and an end would begin anew with each of 200 messages a second, and get
    nowhere. This one has neither: it is always on its way to the newest target.

    Args:
        start: where to begin, of any shape.
        scale: of that shape: what is a large step for each number.
    """

    def __init__(self, start: Tensor, scale: Tensor) -> None:
        self.at = start
        """Where the numbers are."""
        self._scale = scale
        self._speed = torch.zeros_like(start)

    def move(self, target: Tensor, seconds: float, glide: float) -> bool:
        """Go on towards a target.

        Args:
            seconds: since the last move.
            glide: seconds to 99 % of a way; 0 is there at once.
        Returns:
            Whether the numbers are there, and at rest.
        """
        if glide > 0:
            rate = _REACHED / glide
            left = self.at - target
            pull = self._speed + rate * left
            decay = math.exp(-rate * seconds)
            self.at = target + (left + pull * seconds) * decay
            self._speed = (pull - rate * (left + pull * seconds)) * decay
            far = torch.maximum((self.at - target).abs(), self._speed.abs() / rate)
            if bool((far > _NEAR * self._scale).any()):
                return False
        self.at = target
        self._speed = torch.zeros_like(target)
        return True
