"""The landscapes world: posters of seven places at four times of day."""

from __future__ import annotations

from c2l_demo.worlds.landscapes.attributes import ATTRIBUTES, NUISANCES, visible
from c2l_demo.worlds.landscapes.captions import caption, vocabulary
from c2l_demo.worlds.landscapes.painting import render
from c2l_demo.worlds.world import World

LANDSCAPES = World("landscapes", ATTRIBUTES, NUISANCES, render, visible, caption, vocabulary)
