"""StyleGAN2 and StyleGAN3: the published networks, and your own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="stylegan",
            interface="generator",
            factory="c2l_stylegan.generator:StyleGAN",
            summary="StyleGAN2 and 3: NVIDIA's .pkl, rosinality's .pt, and .safetensors files",
            licence="Apache-2.0 (code; weights have their own)",
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "cards")
