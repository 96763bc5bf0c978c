"""What drawing needs of a pipeline, which stands above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.guard import nonfinite
from c2l.prior import Prior
from c2l.sampling.request import DrawSettings


class Parts(Protocol):
    """Generator, embedder and prior that fit, with the settings to sample by: a ``Pipeline``."""

    @property
    def generator(self) -> Generator: ...
    @property
    def embedder(self) -> Embedder: ...
    @property
    def prior(self) -> Prior: ...
    @property
    def provenance(self) -> Mapping[str, Any]: ...
    def effective(self, settings: DrawSettings) -> DrawSettings: ...


def refuse_nonfinite(parts: Parts, latents: Tensor, images: Tensor, scores: Tensor) -> None:
    """Raises if a picture that would be kept, or what belongs to it, holds NaN or infinity.

    The first part that gave any is named. One sum is enough to see it.
    """
    for role, part, method, tensor in (
        ("prior", parts.prior, "sample", latents),
        ("generator", parts.generator, "synthesize", images),
        ("embedder", parts.embedder, "embed_images", scores),
    ):
        if not torch.isfinite(tensor.sum()):
            raise nonfinite(part, role, method)
