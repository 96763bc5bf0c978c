"""The two worlds of the demo: scenes that a program samples, draws and puts into words."""

from __future__ import annotations

from collections.abc import Mapping

from c2l_demo.worlds.faces import FACES
from c2l_demo.worlds.landscapes import LANDSCAPES
from c2l_demo.worlds.world import Attribute, Scene, World, is_held_out

WORLDS: Mapping[str, World] = {world.name: world for world in (FACES, LANDSCAPES)}

__all__ = ["FACES", "LANDSCAPES", "WORLDS", "Attribute", "Scene", "World", "is_held_out"]
