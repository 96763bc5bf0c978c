"""The digits' generator and embedder as a plugin: ``c2l --plugin digits_plugin.py COMMAND``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import c2l
from worlds.clip import SmallCLIP
from worlds.digits_gan import DigitsGenerator

c2l.register_generator(DigitsGenerator, kind="digits")
c2l.register_embedder(SmallCLIP, kind="small-clip")
