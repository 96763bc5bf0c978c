"""Layers of one latent with those of another: style mixing."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.generator import Generator

_PART = re.compile(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?(?:\s*:\s*(\d*\.?\d+))?\s*")


def parse_layers(
    text: str | Sequence[int], share: float = 1.0
) -> tuple[tuple[int, ...], float | tuple[float, ...]]:
    """``0-3,7:0.5`` to layers and how much of each: ``share``, unless a colon and a number follow.

    Raises:
        BadInput: anything else.
    """
    if not 0 <= share <= 1:
        raise BadInput(
            f"`share={share:g}` is not from 0 to 1", hint="Use `share=1` for all", field="share"
        )
    if not isinstance(text, str):
        return tuple(text), share
    shares: dict[int, float] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise BadInput(
                f"`layers={text}` is not a list of layers",
                hint="Write it as in `layers=0-3,7`, with a share as in `layers=0-3:0.5`",
                field="layers",
            )
        first, last = int(match[1]), int(match[2] or match[1])
        own = float(match[3]) if match[3] else share
        if last < first or own > 1:
            wrong = f"{first}-{last} runs backwards" if last < first else f"{own:g} is above 1"
            raise BadInput(f"`layers={text}`: {wrong}", hint="Correct it", field="layers")
        shares.update(dict.fromkeys(range(first, last + 1), own))
    several = tuple(shares.values())
    return tuple(shares), several[0] if len(set(several)) == 1 else several


def check_layers(generator: Generator, layers: Sequence[int]) -> None:
    """Raises ``BadInput`` unless these are layers of a generator that has several."""
    num = generator.latent_space.num_layers
    name = generator.reference or "this generator"
    if num == 1:
        raise BadInput(
            f"{name} has no layers to mix: one code makes the whole picture",
            hint="A walk leads from one picture to another, and through what lies between",
            field="layers",
        )
    if wrong := [layer for layer in layers if not 0 <= layer < num]:
        raise BadInput(
            f"layer {max(wrong)} is not one of the {num} layers of {name}",
            hint=f"Its layers are 0 to {num - 1}, the coarsest first",
            field="layers",
        )


def mixed(
    generator: Generator,
    base: Tensor,
    other: Tensor,
    layers: Sequence[int],
    share: float | Sequence[float] = 1.0,
) -> Tensor:
    """Latents (..., L, D) with some layers of others; gradients reach both.

    Args:
        share: how much of them, from 0 to 1; or a number for each of ``layers``.
    Raises:
        BadInput: the generator does not have these layers.
    """
    check_layers(generator, layers)
    shares = torch.tensor(share, device=base.device)
    mask = base.new_zeros(base.shape[-2])
    mask[list(layers)] = shares.to(mask)
    # Where a mask is 0 or 1, layers are taken as they are, to the bit.
    return torch.lerp(base, other, mask[:, None])
