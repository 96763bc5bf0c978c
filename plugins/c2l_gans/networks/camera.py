"""Where an EG3D's pictures are taken from. The y axis of its world points up, z to the viewer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

_LIMITS = {
    **{"yaw": (-360.0, 360.0), "pitch": (-89.0, 89.0)},
    **{"distance": (0.01, 1000.0), "focal": (0.01, 1000.0), "pivot": (-1000.0, 1000.0)},
}


@dataclass(frozen=True)
class Camera:
    """On a sphere around the middle of the world, upright.

    Args:
        distance: the radius of the sphere.
        focal: the focal length, in widths of the picture.
        pivot: what it looks at.
        yaw: in degrees; positive is to the right, seen from the front.
        pitch: in degrees; positive is from above.
    """

    distance: float
    focal: float
    pivot: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            object.__setattr__(self, field.name, _checked(field.name, value))

    @property
    def frontal(self) -> Self:
        """The same one, moved to the front."""
        return dataclasses.replace(self, yaw=0.0, pitch=0.0)

    def moved(self, changes: Mapping[str, Any]) -> Self:
        """One that differs in some of the values above.

        Raises:
            ValueError: one of them is none of these, or out of range; the message says which.
        """
        known = [field.name for field in dataclasses.fields(self)]
        if unknown := sorted(changes.keys() - set(known)):
            raise ValueError(f"a camera has no {unknown[0]}, only {', '.join(sorted(known))}")
        return dataclasses.replace(self, **changes)

    def to_world(self) -> Tensor:
        """Its axes and its place, float32 (4, 4): x to the right in the picture, y down."""
        yaw, pitch = math.radians(self.yaw), math.radians(self.pitch)
        place = self.distance * torch.tensor(
            [math.cos(pitch) * math.sin(yaw), math.sin(pitch), math.cos(pitch) * math.cos(yaw)],
            dtype=torch.float64,
        )
        forward = _unit(torch.tensor(self.pivot, dtype=torch.float64) - place)
        right = _unit(torch.linalg.cross(forward, torch.tensor([0.0, 1.0, 0.0]).double()))
        matrix = torch.eye(4, dtype=torch.float64)
        matrix[:3, :3] = torch.stack([right, torch.linalg.cross(forward, right), forward], dim=1)
        matrix[:3, 3] = place
        return matrix.float()

    def label(self) -> Tensor:
        """As EG3D's mapping takes it: (25,), the matrix above and that of the lens."""
        lens = [self.focal, 0.0, 0.5, 0.0, self.focal, 0.5, 0.0, 0.0, 1.0]
        return torch.cat([self.to_world().flatten(), torch.tensor(lens)])

    def rays(self, side: int) -> tuple[Tensor, Tensor]:
        """Where the rays of all pixels begin (3,), and their directions (side * side, 3)."""
        matrix = self.to_world()
        steps = ((torch.arange(side) + 0.5) / side - 0.5) / self.focal
        down, right = torch.meshgrid(steps, steps, indexing="ij")
        seen = torch.stack([right, down, torch.ones_like(right)], dim=-1).reshape(-1, 3)
        return matrix[:3, 3], _unit(seen @ matrix[:3, :3].T)


def _checked(name: str, value: Any) -> Any:
    numbers = tuple(value) if name == "pivot" and isinstance(value, list | tuple) else (value,)
    low, high = _LIMITS[name]
    for number in numbers:
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not low <= number <= high or len(numbers) != (name == "pivot") * 2 + 1:
            what = "three numbers" if name == "pivot" else "a number"
            raise ValueError(f"{name} of a camera is {what} from {low:g} to {high:g}")
    floats = tuple(float(number) for number in numbers)
    return floats if name == "pivot" else floats[0]


def _unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)
