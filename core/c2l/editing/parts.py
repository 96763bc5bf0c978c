"""What carrying out an operation needs of a pipeline, which stands above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from c2l.embedder import Embedder
from c2l.generator import Generator
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
    def refuse_nonfinite(self, latents: Tensor, images: Tensor, scores: Tensor) -> None: ...
