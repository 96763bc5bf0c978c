"""The built-in demo: a small world of drawn faces and landscapes that works offline.

It names weights that ship inside the package (``demo.toml``), and holds a judge for each recipe. In
the repository, ``c2l_demo_workshop`` beside it made the weights; nothing here needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l

WEIGHTS = Path(__file__).parent / "weights"


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "demo.toml")
