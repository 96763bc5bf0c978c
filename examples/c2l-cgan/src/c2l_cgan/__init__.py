"""Class-conditional DCGAN generators, by name or from your own file.

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
            kind="cgan",
            interface="generator",
            factory="c2l_cgan.generator:ConditionalGAN",
            summary="DCGAN with class labels: cgan:discs, or your own as cgan:./file.safetensors",
            licence="Apache-2.0",
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "cards")
