"""CLIP and SigLIP as transformers saves them: ``transformers:./folder``.

This module only describes the plugin; torch and transformers are imported with the class.
"""

from __future__ import annotations

from collections.abc import Callable

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="transformers",
            interface="embedder",
            factory="c2l_transformers.embedder:TransformersEmbedder",
            summary="A CLIP or SigLIP folder of transformers, offline",
            licence="Apache-2.0",
            requires=("transformers>=5",),
        )
    )
