"""An embedder of colours: ``colours:27``.

This module only describes the plugin; torch is imported with the class.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="colours",
            interface="embedder",
            factory="c2l_colours.embedder:ColourEmbedder",
            summary="Sees colours alone, exactly and without training",
            licence="Apache-2.0",
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).with_name("colours.toml"))
