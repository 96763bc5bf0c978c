"""A prior without gradients: ``fourier``.

This module only describes the plugin; torch is imported with the class.
"""

from __future__ import annotations

from collections.abc import Callable

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="fourier",
            interface="prior",
            factory="c2l_fourier.prior:FourierPrior",
            summary="Regression on random Fourier features: no gradients, solved in seconds",
            licence="Apache-2.0",
        )
    )
