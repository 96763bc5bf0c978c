"""Generators whose latents come from a mapping: their mean and deviation have to be measured."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

import c2l

NUM_MEASURED = 1000


class MeasuredLatents(c2l.Generator):
    """Base of generators whose latent is one code w, repeated over all layers."""

    _statistics: tuple[Tensor, Tensor] | None = None

    @property
    @abstractmethod
    def _layout(self) -> c2l.LatentLayout:
        """The latent space without the statistics, which take longer than an image."""

    @abstractmethod
    def _latents_to_measure(self) -> Tensor:
        """``NUM_MEASURED`` latents (N, D), the same for every call."""

    def _average(self) -> Tensor | None:
        """The mean latent (D,) that is stored, if there is one for all classes."""
        return None

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """The space w; the mean is the stored one if there is one, all else is measured."""
        layout = self._layout
        mean, std = self._mean_and_std()
        return c2l.LatentSpace(1, layout.width, layout.repeats, mean[None], std[None])

    def load_state_dict(self, *arguments: Any, **keywords: Any) -> Any:
        self._statistics = None  # of other weights
        return super().load_state_dict(*arguments, **keywords)

    @torch.inference_mode(False)  # what it keeps must also serve where gradients are recorded
    @torch.no_grad()
    def _mean_and_std(self) -> tuple[Tensor, Tensor]:
        if self._statistics is None:
            w = self._latents_to_measure()
            self._statistics = w.mean(dim=0), w.std(dim=0)
        mean, std = (tensor.to(self.device) for tensor in self._statistics)
        average = self._average()
        return (mean if average is None else average), std
