"""Scenes as vectors: what a generator's w is made of, and what a dataset stores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2l_demo.worlds import Scene, World


def code_width(world: World) -> int:
    """The length of the codes of a world."""
    return sum(len(a.values) for a in world.attributes) + len(world.nuisances)


def encode(world: World, scene: Scene) -> npt.NDArray[np.float32]:
    """A one-hot for each attribute, in the world's order, then the nuisances."""
    code = np.zeros(code_width(world), dtype=np.float32)
    start = 0
    for attribute in world.attributes:
        code[start + scene.attributes[attribute.name]] = 1.0
        start += len(attribute.values)
    code[start:] = scene.nuisances
    return code


def decode(world: World, code: npt.NDArray[np.float32]) -> Scene:
    """Invert ``encode``."""
    chosen: dict[str, int] = {}
    start = 0
    for attribute in world.attributes:
        stop = start + len(attribute.values)
        chosen[attribute.name] = int(code[start:stop].argmax())
        start = stop
    return Scene(chosen, tuple(float(x) for x in code[start:]))
