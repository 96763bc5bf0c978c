"""The noise maps of StyleGAN2: one number for each pixel, added to all features alike."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

Noise: TypeAlias = Literal["const", "none", "random"]
"""The maps that a network stores, none at all, or fresh ones."""


class NoiseMaps:
    """The noise of one batch, drawn layer after layer.

    Args:
        ws: the latents, (B, num_ws, w_dim), which fresh noise follows from.
    """

    def __init__(self, noise: Noise, ws: Tensor) -> None:
        self._noise, self._device = noise, ws.device
        self._generators = row_generators(ws) if noise == "random" else []

    def next(self, stored: Tensor | None) -> Tensor | None:
        """(1 or B, 1, H, W) for a layer that stores (H, W); None for no noise."""
        if stored is None or self._noise == "none":
            return None
        if self._noise == "const":
            return stored[None, None]
        maps = torch.empty(len(self._generators), 1, *stored.shape)
        for row, generator in zip(maps, self._generators, strict=True):
            row.normal_(generator=generator)
        return maps.to(self._device)


def row_generators(ws: Tensor) -> list[torch.Generator]:
    """One CPU generator for each row, seeded by what the row holds.

    So fresh noise neither depends on an image's place in a batch nor touches the global state.
    The seed is the order of a latent's first numbers by size, which rounding leaves as it is.
    """
    order = ws.detach().sum(dim=1)[:, :15].argsort(dim=1).cpu()
    places = 16 ** torch.arange(order.shape[1])
    return [torch.Generator().manual_seed(int(seed)) for seed in (order * places).sum(dim=1)]
