"""Every OpenCLIP model as an embedder: ``openclip:ARCH/TAG`` or ``openclip:./folder``.

This module only describes the kind; torch and open_clip are imported when an embedder is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="openclip",
            interface="embedder",
            factory="c2l_openclip.embedder:OpenCLIP",
            summary="Every OpenCLIP model, by ARCH/TAG, or a folder in open_clip's format",
            licence="Apache-2.0",
            requires=("open_clip_torch",),
            open_names=True,
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "cards")
