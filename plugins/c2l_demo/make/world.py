"""What a drawn world is: named attributes, a renderer, and a caption grammar.

Each world (faces, landscapes) is a deterministic picture book: a scene is a choice of one value per
attribute plus a few continuous nuisances, and the picture is a function of the scene alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True)
class Attribute:
    """One thing a caption can name, its possible values, and how often each is drawn."""

    name: str
    values: tuple[str, ...]
    weights: tuple[float, ...]  # sampling probabilities, sum 1


@dataclass(frozen=True)
class Scene:
    """Everything a picture depends on."""

    attributes: dict[str, int]  # attribute name -> index of its value
    nuisances: tuple[float, ...]  # each in [0, 1], uniform


@dataclass(frozen=True)
class World:
    """A family of scenes, how to draw them, and how to talk about them."""

    name: str
    attributes: tuple[Attribute, ...]
    nuisances: tuple[str, ...]  # names
    # (scene, size) -> RGB picture of size x size
    render: Callable[[Scene, int], Image.Image]
    # attributes as the picture shows them (e.g. beard -> none on a woman)
    visible: Callable[[Scene], dict[str, int]]
    # words, and the visible attributes they name
    caption: Callable[[Scene, np.random.Generator], tuple[str, dict[str, int]]]
    # every lower-case word the grammar can emit
    vocabulary: Callable[[], frozenset[str]]

    def sample(self, rng: np.random.Generator) -> Scene:
        """Draw independent attributes by their weights, and uniform nuisances."""
        chosen = {a.name: int(rng.choice(len(a.values), p=a.weights)) for a in self.attributes}
        return Scene(chosen, tuple(float(x) for x in rng.random(len(self.nuisances))))

    @property
    def code_width(self) -> int:
        """Length of the vector that `code` returns."""
        return sum(len(a.values) for a in self.attributes) + len(self.nuisances)

    def code(self, scene: Scene) -> npt.NDArray[np.float32]:
        """Concatenate the one-hots, in attribute order, then the nuisances."""
        out = np.zeros(self.code_width, dtype=np.float32)
        start = 0
        for attribute in self.attributes:
            out[start + scene.attributes[attribute.name]] = 1.0
            start += len(attribute.values)
        out[start:] = scene.nuisances
        return out


def is_held_out(caption: str) -> bool:
    """One caption in twenty, by its hash: never trained on, so that it can be asked as new."""
    return zlib.crc32(caption.encode()) % 20 == 0
