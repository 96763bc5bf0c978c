"""The DCGAN of the package gan-face-generate: ``digiface:faces``.

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
            kind="digiface",
            interface="generator",
            factory="c2l_digiface.generator:DigiFace",
            summary="The DCGAN of gan-face-generate: synthetic faces, 64 px",
            licence="Apache-2.0",
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).with_name("digiface.toml"))
