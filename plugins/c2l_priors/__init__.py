"""The bundled priors: diffusion, flow, onestep, mlp, ridge and neighbours.

This module only describes them; torch is imported with the class that is used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    register(
        c2l.KindSpec(
            kind="diffusion",
            interface="prior",
            factory="c2l_priors.diffusion:DiffusionPrior",
            summary="clip2latent's diffusion transformer; also reads the authors' checkpoints",
        )
    )
    register(
        c2l.KindSpec(
            kind="flow",
            interface="prior",
            factory="c2l_priors.flow:FlowPrior",
            summary="Rectified flow on latents: varied samples in a few steps, with guidance",
        )
    )
    register(
        c2l.KindSpec(
            kind="mlp",
            interface="prior",
            factory="c2l_priors.mlp:MLPPrior",
            summary="Gaussian regression of the latent: one pass, plain",
        )
    )
    register(
        c2l.KindSpec(
            kind="onestep",
            interface="prior",
            factory="c2l_priors.onestep:OneStepPrior",
            summary="Rectified flow distilled into one step: varied samples in one call",
        )
    )
    register(
        c2l.KindSpec(
            kind="ridge",
            interface="prior",
            factory="c2l_priors.ridge:RidgePrior",
            summary="Ridge regression: solved in a second, the floor for every network",
        )
    )
    register(
        c2l.KindSpec(
            kind="neighbours",
            interface="prior",
            factory="c2l_priors.neighbours:NeighboursPrior",
            summary="Nearest stored pairs: no training, the baseline to beat",
        )
    )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "cards")
