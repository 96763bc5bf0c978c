"""Less than float32 where a GPU is faster with it: parts made to compute in it, and what it costs.

Latents are drawn in float32 as ever, and embeddings are stored in half precision as ever; only
pictures and what the image tower makes of them are computed in less.
"""

from __future__ import annotations

import torch

from c2l.devices import resolve_precision
from c2l.loading import compute_in
from c2l.pairs.drawing import Batch, Parts, draw_batch

EXACT = "float32"
_NUM = 32
"""Pictures that the error is measured on."""


def lower(parts: Parts, precision: str) -> None:
    """Have parts compute in a precision; one that cannot stays in float32.

    Raises:
        BadInput: there is no such precision, or no part computes in it.
        DeviceUnavailable: this device has no units for it.
    """
    dtype = resolve_precision(precision, parts[0].device)
    if dtype != torch.float32:
        compute_in(dtype, *parts)


def lower_and_measure(parts: Parts, precision: str, batch: Batch) -> float:
    """The same; gives the error of embeddings in it.

    Args:
        batch: the first one; as many that follow it are drawn as it takes.
    Returns:
        the root mean square of what embeddings change, as a share of how far they lie from their
        mean; two digits of it, since the rest differs between processors.
    """
    sizes = range(batch.start, batch.start + max(_NUM, batch.size), batch.size)
    batches = [Batch(start, batch.size, batch.size, batch.groups, batch.classes) for start in sizes]

    def embeddings() -> torch.Tensor:
        return torch.cat([draw_batch(*parts, each)[1].float() for each in batches])

    exact = embeddings()
    lower(parts, precision)
    change = (embeddings() - exact).square().mean()
    spread = (exact - exact.mean(dim=0)).square().mean()
    return float(f"{(change / spread).sqrt():.1e}") if spread else 0.0
