"""Directions without what should stay."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.editing.directions.measuring import Pictures
from c2l.editing.directions.texts import answers, text_difference
from c2l.errors import BadInput
from c2l.sampling.parts import Parts

_LEAST_LEFT = 0.1
_NO_DIRECTION = 0.05
"""Of the longest kept direction: what is shorter than this adds none of its own."""


def without_kept(
    parts: Parts, raw: Tensor, keep: Sequence[str], pictures: Pictures, name: str, *, seed: int
) -> Tensor:
    """A raw step (L, D) without its share along the directions of what should stay.

    Lengths and angles are those of latents whose every dimension varies as much as the others.

    Raises:
        BadInput: hardly anything is left, since what should stay is what changes.
    """
    if not keep:
        return raw
    space = parts.generator.latent_space
    std = space.expand(space.std[None].to(raw.device))[0]
    std = std.clamp_min(1e-3 * float(std.mean()) + 1e-12)
    kept = torch.stack([
        answers(
            parts, pictures.seen, text_difference(parts, None, text, field="keep"), first_seed=seed
        ).mean(dim=0)
        for text in keep
    ])  # fmt: skip
    flat = (raw / std).flatten()
    basis, sizes, _ = torch.linalg.svd((kept / std).flatten(1).T, full_matrices=False)
    basis = basis[:, sizes > _NO_DIRECTION * sizes.max()]
    left = flat - basis @ (basis.T @ flat)
    share = float(left.norm() / flat.norm().clamp_min(1e-12))
    if share < _LEAST_LEFT:
        raise BadInput(
            f"'{name}' changes just what should stay: {share:.0%} of it is left",
            hint="Keep less",
            field="keep",
        )
    return left.unflatten(0, raw.shape) * std
