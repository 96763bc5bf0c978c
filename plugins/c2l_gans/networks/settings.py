"""What decides a network besides its weights: checked, and as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from c2l.errors import BadWeights

Range = tuple[float, float]

WIDTH: Range = (1, 1 << 16)
"""Of a latent, a code or a layer."""
SIDE: Range = (1, 1 << 13)
CLASSES: Range = (0, 1 << 20)


@dataclass(frozen=True)
class NetworkSettings:
    """Base of the settings of each family; they come from files, so none is trusted.

    Attributes:
        RANGES: the smallest and largest value of each whole number; of a tuple or a dictionary,
            those of what is in it.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {}

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images: those of ``resolution``, which every family has."""
        side: int = getattr(self, "resolution")  # noqa: B009 (of some a field, of others not)
        return side, side

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for number in _numbers_of(value):
                low, high = self.RANGES.get(field.name, (0, 1))
                is_number = isinstance(number, int | float) and math.isfinite(number)
                if not is_number or not low <= number <= high:
                    raise BadWeights(f"{field.name} of a network cannot be {str(value)[:40]}")

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what ``to_dict`` wrote.

        Raises:
            BadWeights: something is missing, unknown or out of range.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        given = data if isinstance(data, dict) else {}
        needed = {n for n, f in fields.items() if f.default is dataclasses.MISSING}
        if wrong := sorted((needed - given.keys()) | (given.keys() - fields.keys())):
            raise BadWeights(f"the settings of the network lack or do not know {wrong[0]}")
        return cls(**{name: _as_tuples(value) for name, value in given.items()})

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return dataclasses.asdict(self)


def _numbers_of(value: Any) -> list[Any]:
    if value is None or isinstance(value, str) or dataclasses.is_dataclass(value):
        return []
    if isinstance(value, dict):
        return [n for item in value.items() for part in item for n in _numbers_of(part)]
    if isinstance(value, tuple):
        return [number for item in value for number in _numbers_of(item)]
    return [value]


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
