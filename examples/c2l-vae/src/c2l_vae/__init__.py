"""Decoders of diffusers' autoencoders: ``vae:./folder``.

This module only describes the plugin; torch is imported with the class.
"""

from __future__ import annotations

from collections.abc import Callable

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="vae",
            interface="generator",
            factory="c2l_vae.generator:VAEDecoder",
            summary="The decoder of an AutoencoderKL, as a folder that diffusers wrote",
            licence="Apache-2.0",
        )
    )
