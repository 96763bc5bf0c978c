"""Noise of the diffusion prior: on embeddings, and where sampling starts from."""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.errors import BadInput


def turned(embeddings: Tensor, direction: Tensor, noise: float) -> Tensor:
    """Embeddings (B, E) turned towards ``direction`` (B, E), their lengths kept.

    Unit embeddings are moved by ``noise`` in that direction before they get their lengths back.
    """
    moved = F.normalize(embeddings, dim=1) + noise * F.normalize(direction, dim=1)
    lengths: Tensor = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True)
    return lengths * F.normalize(moved, dim=1)


def endless_noise(normal: Callable[[int], Tensor], shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """Noise without end, row i from a stream of its own."""
    while True:
        yield normal(shape[1] * shape[2]).view(shape)


def given_noise(noise: Iterable[Tensor], shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """The caller's noise, brought to ``shape``."""
    for item in noise:
        if item.numel() != torch.Size(shape).numel():
            raise BadInput(
                f"a tensor of noise has shape {tuple(item.shape)}, not {shape}",
                hint="Give as many numbers as there are in the latents",
                field="noise",
            )
        yield item.float().reshape(shape)
    raise BadInput(
        "the noise ran out", hint="Give the start and one tensor for each step", field="noise"
    )
