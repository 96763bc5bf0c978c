"""Looking at pictures: features, attributes and thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.clock import Clock
from c2l.errors import BadInput
from c2l.evaluation.judge import Judge
from c2l.evaluation.observations import Observations

THUMBNAIL = 160

Extractor = Callable[[Tensor], Tensor]
"""Pictures (B, 3, H, W) in [-1, 1] to features (B, E)."""


@dataclass(frozen=True)
class Observer:
    """Everything that looks at pictures.

    Args:
        extractors: ``own``, the pipeline's embedder, and perhaps ``independent``, ``inception``.
        judge: classifies attributes; None where no prompt names any.
    """

    extractors: Mapping[str, Extractor]
    judge: Judge | None

    def observe(
        self,
        images: Tensor,
        clock: Clock,
        *,
        latents: Tensor | None = None,
        own: Tensor | None = None,
        num_thumbnails: int = 0,
    ) -> Observations:
        """Look at pictures; everything is returned on the CPU.

        Args:
            images: (B, 3, H, W).
            clock: what it has counted before counts as spent on these pictures too.
            latents: (B, K, D), to be kept with what was seen.
            own: the ``own`` features, where drawing has computed them already.
            num_thumbnails: of the first pictures.
        Raises:
            BadInput: a feature is NaN or infinite.
        """
        features = {} if own is None else {"own": own.float().cpu()}
        for name, extract in self.extractors.items():
            if name not in features:
                # The own embedder is part of drawing: the pipeline ranks with it.
                with clock.stage("ranking" if name == "own" else name):
                    features[name] = extract(images).float().cpu()
        for name, values in features.items():
            if not torch.isfinite(values).all():
                raise BadInput(
                    f"the {name} features of some pictures are NaN or infinite",
                    hint="Check the weights of the generator, the prior and the embedder",
                )
        attributes: dict[str, Tensor] = {}
        if self.judge is not None:
            with clock.stage("judge"):
                attributes = {name: x.cpu() for name, x in self.judge(images).items()}
        return Observations(
            features=features,
            attributes=attributes,
            latents=None if latents is None else latents.float().cpu(),
            thumbnails=thumbnails_of(images[:num_thumbnails]) if num_thumbnails else None,
            milliseconds=dict(clock.milliseconds),
        )


def thumbnails_of(images: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) to uint8, the longer side at most ``THUMBNAIL`` pixels."""
    longest = max(images.shape[-2:])
    if longest > THUMBNAIL:
        scale = THUMBNAIL / longest
        size = [max(1, round(side * scale)) for side in images.shape[-2:]]
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
    return (images.detach().cpu() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
