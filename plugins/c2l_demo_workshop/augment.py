"""Slightly damaged pictures for training, since generators draw softer than the renderer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def blur(images: Tensor) -> Tensor:
    """Mean of 3 x 3 neighbours; sums of slices, far faster than pooling on a CPU."""
    x = F.pad(images, (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2] + x[..., 1:-1] + x[..., 2:]
    return (x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]) / 9


def damage(images: Tensor, random: torch.Generator) -> Tensor:
    """Shift the batch by up to 2 pixels; tint, blur or sharpen, and add noise to each image.

    Args:
        images: float32 (B, 3, H, W), range [-1, 1].
        random: where the draws come from, on the images' device.
    """
    num, _, height, width = images.shape
    device = random.device

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        spread = torch.rand((num, channels, 1, 1), generator=random, device=device)
        return low + (high - low) * spread

    dx, dy = torch.randint(0, 5, (2,), generator=random, device=device).tolist()
    x = F.pad(images, (2, 2, 2, 2), mode="replicate")[:, :, dy : dy + height, dx : dx + width]
    x = x * draw(0.88, 1.12) + draw(-0.1, 0.1) + draw(-0.04, 0.04, 3)
    x = torch.lerp(x, blur(x), draw(-0.3, 1.0))
    x = x + torch.randn(x.shape, generator=random, device=device) * draw(0.0, 0.06)
    return x.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
