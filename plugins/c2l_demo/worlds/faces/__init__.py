"""The faces world: bust portraits in front of five backdrops."""

from __future__ import annotations

from c2l_demo.worlds.faces.attributes import ATTRIBUTES, NUISANCES, visible
from c2l_demo.worlds.faces.captions import caption, vocabulary
from c2l_demo.worlds.faces.portrait import render
from c2l_demo.worlds.world import World

FACES = World("faces", ATTRIBUTES, NUISANCES, render, visible, caption, vocabulary)
