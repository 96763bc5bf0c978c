"""A conditional variational autoencoder: ``cvae``.

This module only describes the plugin; torch is imported with the class.
"""

from __future__ import annotations

from collections.abc import Callable

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="cvae",
            interface="prior",
            factory="c2l_cvae.prior:CVAEPrior",
            summary="Conditional variational autoencoder: varied latents in one pass",
            licence="Apache-2.0",
        )
    )
