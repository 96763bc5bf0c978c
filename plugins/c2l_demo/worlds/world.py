"""What a drawn world is: named attributes, a renderer, and a caption grammar.

A scene is a choice of one value for each attribute and a few continuous nuisances. Its picture is a
function of the scene alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Attribute:
    """Something that a caption can name, its possible values, and how likely each is."""

    name: str
    values: tuple[str, ...]
    weights: tuple[float, ...]  # sampling probabilities, sum 1


@dataclass(frozen=True)
class Scene:
    """All that a picture depends on."""

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
    # every lower-case word that a caption may hold
    vocabulary: Callable[[], frozenset[str]]

    def sample(self, rng: np.random.Generator) -> Scene:
        """Draw independent attributes by their weights, and uniform nuisances."""
        chosen = {a.name: int(rng.choice(len(a.values), p=a.weights)) for a in self.attributes}
        return Scene(chosen, tuple(float(x) for x in rng.random(len(self.nuisances))))


def is_held_out(caption: str) -> bool:
    """Whether a caption was kept out of training, so that a judge can ask it as a new one.

    One in twenty is, by its hash.
    """
    return zlib.crc32(caption.encode()) % 20 == 0
