"""DCGAN generators, by name or from your own file.

This module only describes the plugin. c2l imports it whenever it lists what is installed, so it
must be quick: torch is imported by ``c2l_dcgan.generator``, when a DCGAN is first loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    """Claim the word before the colon, as in ``dcgan:blobs`` or ``dcgan:./mine.safetensors``."""
    register(
        c2l.KindSpec(
            kind="dcgan",
            interface="generator",
            factory="c2l_dcgan.generator:DCGAN",  # a dotted path: importing it is left to c2l
            summary="DCGAN: dcgan:blobs, or your own as dcgan:./file.safetensors",
            licence="Apache-2.0",
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    """Give names to weights: every TOML file of this folder is a set of model cards."""
    register(Path(__file__).parent / "cards")
