"""The embedded default: a small world of drawn faces and landscapes that works offline.

A plugin of data only: names for weights that ship inside the package. ``c2l_demo.make`` holds
everything that made them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from c2l.hookspecs import hookimpl


@hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "demo.toml")
