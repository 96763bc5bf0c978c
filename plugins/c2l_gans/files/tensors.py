"""The tensors of one network in a file, by the names it gave them, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from c2l.reading import Damaged
from c2l_gans.files.found import Take


class Tensors:
    """Reads a tensor when it is asked for, and says which one is missing.

    Args:
        values: the tensors, unread.
        take: reads one.
    """

    def __init__(self, values: Mapping[str, Any], take: Take) -> None:
        self._values, self._take = values, take

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __call__(self, name: str, *, ndim: int | None = None) -> Tensor:
        """The tensor of a name.

        Args:
            ndim: how many dimensions it must have; None for any number.
        Raises:
            Damaged: there is no such tensor, or it has another number of dimensions.
        """
        if name not in self._values:
            raise Damaged(f"it has no {name}")
        tensor = self._take(self._values[name], name)
        if ndim is not None and tensor.ndim != ndim:
            raise Damaged(f"{name} has shape {tuple(tensor.shape)}")
        return tensor

    def numbered(self, pattern: str) -> list[int]:
        """The numbers, in order, that stand for ``#`` at the beginning of names."""
        place = re.compile(re.escape(pattern).replace(r"\#", r"(\d{1,3})"))
        found = (place.match(name) for name in self)
        return sorted({int(match[1]) for match in found if match})


def checked_kernel(weight: Tensor, name: str) -> Tensor:
    """``weight``, if it is of shape (O, I, 3, 3).

    Raises:
        Damaged: it is not.
    """
    if weight.ndim != 4 or weight.shape[2:] != (3, 3) or not weight.numel():
        raise Damaged(f"{name} has shape {tuple(weight.shape)}")
    return weight
