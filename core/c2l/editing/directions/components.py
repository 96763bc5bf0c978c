"""Directions from the latent space alone: its principal components.

After GANSpace (Härkönen et al. 2020, arXiv 2004.02546): no text and no choice, just the ways in
which a generator's latents vary most.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from c2l.editing.directions.direction import Direction
from c2l.editing.directions.groups import between
from c2l.editing.directions.measuring import OnProgress
from c2l.errors import BadInput
from c2l.sampling.parts import Parts

NUM_LATENTS = 4096
_DRAWN = 64
"""Pictures of each half that are drawn."""


def from_component(
    parts: Parts,
    component: int,
    *,
    keep: Sequence[str] = (),
    num: int = NUM_LATENTS,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Direction:
    """From latents that lie low along a principal component to those that lie high.

    Args:
        component: counted from 0, the one along which latents vary most.
        num: latents, of the seeds from ``seed`` on.
        on_progress: called as pictures are drawn.
    Raises:
        BadInput: there are not so many components.
    """
    latents = parts.generator.sample_latents(range(seed, seed + num))
    flat = latents.flatten(1).cpu().double()  # not every device has float64
    centred = flat - flat.mean(dim=0)
    most = min(flat.shape[1], num - 1)
    if not 0 <= component < most:
        raise BadInput(
            f"component {component} is not one of the {most} of {num:,} latents",
            hint=f"They are counted from 0 to {most - 1}",
            field="component",
        )
    axes = torch.linalg.eigh(centred.T @ centred)[1].flip(1)
    axis = axes[:, component]
    axis = axis * axis[axis.abs().argmax()].sign()  # the same way on every machine
    order = (centred @ axis).argsort()
    half = num // 2
    low, high = (some[:: max(1, half // _DRAWN)] for some in (order[:half], order[-half:]))
    along = (centred[high] @ axis).mean() - (centred[low] @ axis).mean()
    raw = (along * axis).unflatten(0, latents.shape[1:]).to(latents)
    name = f"component {component}"
    made = {"by": "component", "component": component, "num": num, "seed": seed}
    groups = latents[low], latents[high]
    return between(parts, raw, *groups, name, made, keep=keep, seed=seed, on_progress=on_progress)
