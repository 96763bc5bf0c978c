"""The decoder of the autoencoder of latent diffusion (Rombach et al. 2022, arXiv 2112.10752).

Modules are named as diffusers names those of ``AutoencoderKL``, so that its files fit as they are.
"""

# Letters: B batch, C channels, H and W height and width of the map at hand.

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-6


class Resnet(nn.Module):
    """Two convolutions around which the map is carried on."""

    def __init__(self, before: int, after: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, before, EPSILON)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, after, EPSILON)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        if before != after:
            self.conv_shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Attention(nn.Module):
    """Every place of a map looks at every other, with one head."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, EPSILON)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        places = self.group_norm(x).flatten(2).mT  # (B, H * W, C)
        asked, keys, values = self.to_q(places), self.to_k(places), self.to_v(places)
        found = self.to_out[0](F.scaled_dot_product_attention(asked, keys, values))
        return x + found.mT.unflatten(2, x.shape[2:])


class Middle(nn.Module):
    """What stands before the first enlargement."""

    def __init__(self, channels: int, groups: int, *, attends: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(channels, channels, groups) for _ in range(2))
        self.attentions = nn.ModuleList([Attention(channels, groups)] if attends else [])

    def forward(self, x: Tensor) -> Tensor:
        x = self.resnets[0](x)
        for attention in self.attentions:
            x = attention(x)
        return self.resnets[1](x)


class Upsampler(nn.Module):
    """Twice the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Up(nn.Module):
    """Residual blocks, and an enlargement after all but the last of these."""

    def __init__(self, before: int, after: int, num: int, groups: int, *, enlarges: bool) -> None:
        super().__init__()
        widths = [before, *[after] * num]
        self.resnets = nn.ModuleList(Resnet(a, b, groups) for a, b in pairwise(widths))
        self.upsamplers = nn.ModuleList([Upsampler(after)] if enlarges else [])

    def forward(self, x: Tensor) -> Tensor:
        for module in (*self.resnets, *self.upsamplers):
            x = module(x)
        return x


class Decoder(nn.Module):
    """A map of latents to an image.

    Args:
        channels: of a latent.
        widths: the config's ``block_out_channels``: from the image inwards.
        num_resnets: of each block, one more than the config's ``layers_per_block``.
        groups: of all normalisations.
        attends: whether there is attention in the middle.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], num_resnets: int, groups: int, *, attends: bool
    ) -> None:
        super().__init__()
        outwards = list(reversed(widths))
        self.conv_in = nn.Conv2d(channels, outwards[0], 3, padding=1)
        self.mid_block = Middle(outwards[0], groups, attends=attends)
        last = len(outwards) - 1
        self.up_blocks = nn.ModuleList(
            Up(outwards[max(i - 1, 0)], after, num_resnets, groups, enlarges=i < last)
            for i, after in enumerate(outwards)
        )
        self.conv_norm_out = nn.GroupNorm(groups, outwards[-1], EPSILON)
        self.conv_out = nn.Conv2d(outwards[-1], 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (B, ``channels``, h, w) to images (B, 3, H, W)."""
        x = self.mid_block(self.conv_in(latents))
        for block in self.up_blocks:
            x = block(x)
        images: Tensor = self.conv_out(F.silu(self.conv_norm_out(x)))
        return images
