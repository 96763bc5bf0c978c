"""What a network draws, in three channels."""

from __future__ import annotations

from torch import Tensor


def as_rgb(images: Tensor) -> Tensor:
    """Images (B, 1 or more channels, H, W) as (B, 3, H, W).

    The grey of one or two channels is repeated; channels after the third are left out.
    """
    return images[:, :1].expand(-1, 3, -1, -1) if images.shape[1] < 3 else images[:, :3]
