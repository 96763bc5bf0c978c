"""What a checkpoint of facebookresearch's pytorch_GAN_zoo tells of its training."""

from __future__ import annotations

from typing import Any

from c2l.reading import Damaged, attributes_of

_BOUNDED_BY_TANH = ("DCGAN", "MSE")
"""Losses whose networks end in a tanh."""


class Training:
    """The settings under ``config``; nothing, and nothing refused, if there are none.

    Raises:
        Damaged: the network cannot be drawn with noise alone.
    """

    def __init__(self, root: Any) -> None:
        told = root.get("config") if isinstance(root, dict) else None
        self._told = told if isinstance(told, dict) else attributes_of(told)
        if self._told.get("categoryVectorDim"):
            raise Damaged("it was trained with attributes, which are given to it beside noise")
        if self._told.get("alpha"):
            raise Damaged("it was saved while a resolution was being faded in")

    def __bool__(self) -> bool:
        return bool(self._told)

    def has_tanh(self) -> bool:
        """Whether its loss wants images bounded by a tanh."""
        return self._told.get("lossCriterion") in _BOUNDED_BY_TANH

    def number(self, name: str, usual: float) -> float:
        """A setting that is a number."""
        value = self._told.get(name, usual)
        if not isinstance(value, int | float):
            raise Damaged(f"its {name} is not a number")
        return float(value)

    def flag(self, name: str) -> bool:
        """A setting that is on unless it says otherwise."""
        return self._told.get(name, True) is not False
