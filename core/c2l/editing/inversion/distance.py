"""How unlike two pictures are, from the whole down to details, without any trained network.

Like LPIPS (Zhang et al. 2018, arXiv 1801.03924) it compares what is around a pixel rather than the
pixel. Its features are fixed: local structure (SSIM, Wang et al. 2004) at every size of a pyramid
beside colours, so that gradients reach far in the coarse sizes and become exact in the fine ones.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.photos import Fitted

SMALLEST = 8
"""Sides of the coarsest size, in pixels, or just above."""

WINDOW = 7
"""Pixels that structure is compared over."""

STRUCTURE = 0.5
"""The weight of structure; the rest is that of colours."""

_C1, _C2 = 0.02**2, 0.06**2  # SSIM's own constants, for values in a range of 2


class Distance:
    """The distance of pictures (B, 3, H, W) to one picture, where that shows something.

    Args:
        photo: what they are compared with.
    """

    def __init__(self, photo: Fitted, device: torch.device) -> None:
        self._part = slice(photo.top, photo.bottom), slice(photo.left, photo.right)
        # A copy: the caller may be in inference mode, whose tensors are none for gradients.
        self._levels = _pyramid(photo.pixels.to(device, copy=True)[..., *self._part])
        self._seen = [_local(level) for level in self._levels]

    def __call__(self, images: Tensor) -> Tensor:
        """Distances (B,): 0 for the picture itself, about 1 for one that has nothing of it."""
        total = images.new_zeros(len(images))
        shown = _pyramid(images.clamp(-1, 1)[..., *self._part])
        for level, goal, seen in zip(shown, self._levels, self._seen, strict=True):
            colours = (level - goal).abs().mean(dim=(1, 2, 3))
            total = total + (1 - STRUCTURE) * colours + STRUCTURE * _unlike(level, goal, seen)
        return total / len(self._levels)


def _pyramid(images: Tensor) -> list[Tensor]:
    levels = [images]
    while min(levels[-1].shape[2:]) >= 2 * SMALLEST:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def _pooled(images: Tensor) -> Tensor:
    window = min(WINDOW, *images.shape[2:])
    return F.avg_pool2d(images, window, stride=max(1, window // 2))


def _local(images: Tensor) -> tuple[Tensor, Tensor]:
    """Means and variances within windows."""
    mean = _pooled(images)
    return mean, (_pooled(images.square()) - mean.square()).clamp_min(0)


def _unlike(images: Tensor, goal: Tensor, seen: tuple[Tensor, Tensor]) -> Tensor:
    """1 - SSIM, (B,), half of it: from 0 to 1."""
    (m1, v1), (m2, v2) = _local(images), seen
    shared = _pooled(images * goal) - m1 * m2
    alike = (2 * m1 * m2 + _C1) * (2 * shared + _C2)
    alike = alike / ((m1.square() + m2.square() + _C1) * (v1 + v2 + _C2))
    return (1 - alike.mean(dim=(1, 2, 3))) / 2
