"""Latents to the unit scale that networks train on, and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from c2l import Near

RELATIVE_FLOOR = 1e-3
"""The smallest standard deviation used, as a part of the root mean square over all dimensions."""


class LatentScale(nn.Module):
    """Mean and standard deviation of every latent dimension, as fitted on pairs.

    A dimension that never varies gets the floor as its deviation: it is zero after ``forward``,
    and whatever a network puts there comes back as next to nothing after ``inverse``.

    Args:
        num_codes: K.
        latent_width: D.
        whitened: whether dimensions are the principal axes of codes, the same for each of the K.
    """

    mean: Tensor
    std: Tensor
    axes: Tensor | None

    def __init__(self, num_codes: int, latent_width: int, whitened: bool = False) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_codes, latent_width))
        self.register_buffer("std", torch.ones(num_codes, latent_width))
        self.register_buffer("axes", torch.eye(latent_width) if whitened else None)

    def fit(self, latents: Tensor) -> None:
        """Take the statistics of latents, float32, shape (N, K, D)."""
        std, mean = torch.std_mean(latents.double(), dim=0, correction=0)
        if self.axes is not None:
            codes = latents.unbind(dim=1)
            # One code at a time, in float64: w+ of a large StyleGAN is long.
            covariance = torch.stack([torch.cov(code.double().T, correction=0) for code in codes])
            self.axes.copy_(torch.linalg.eigh(covariance.mean(dim=0)).eigenvectors)
            axes = self.axes.to(covariance)
            std = torch.stack([(code.double() @ axes).std(dim=0, correction=0) for code in codes])
        rms = std.square().mean().sqrt()
        # One latent, or latents that are all the same, have no scale at all: keep them as they are.
        floor = RELATIVE_FLOOR * rms if rms > 0 else torch.ones_like(rms)
        self.mean.copy_(mean)
        self.std.copy_(std.clamp_min(floor))

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (B, K, D) to standardised ones, flat: (B, K * D)."""
        varied = latents - self.mean
        if self.axes is not None:
            varied = varied @ self.axes
        return (varied / self.std).flatten(1)

    def inverse(self, flat: Tensor) -> Tensor:
        """Standardised ones, flat (B, K * D), to latents (B, K, D)."""
        varied = flat.unflatten(1, self.mean.shape) * self.std
        if self.axes is not None:
            varied = varied @ self.axes.T
        return varied + self.mean


def scattered(mean: Tensor, scatter: Tensor, scale: LatentScale, near: Near | None) -> Tensor:
    """Standardised samples (B, K * D) of a Gaussian around ``mean``.

    Args:
        scatter: how far each sample lies from the mean.
        near: latents whose own distance from the mean gives way to ``scatter``, on an arc.
    """
    if near is None:
        return mean + scatter
    angle = near.amount * math.pi / 2
    own = scale(near.latents.to(mean.device)) - mean
    return mean + math.cos(angle) * own + math.sin(angle) * scatter
