"""StyleGAN (Karras et al. 2019, arXiv:1812.04948), the first of them.

After each convolution come noise and a leaky ReLU; then each channel is brought to mean 0 and
deviation 1 over the whole picture, and the style says what they become instead. Gains of layers
with equalised learning rates are multiplied into the weights before they come here.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.settings import CLASSES, WIDTH, NetworkSettings, Range
from c2l_gans.networks.upsampling import upsample_convolve
from c2l_stylegan.shared import Noise, NoiseMaps, records_gradients, unit_rms

_SLOPE = 0.2
_BLUR = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class StyleGAN1Settings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        mapping: widths of what the layers of the mapping put out; the last is that of w.
        img_channels: of the image.
        channels: features at 4 px, 8 px and so on, up to the image's resolution.
        epsilon: what is added to variances.
        blurs_bias: whether the bias is added before the blur that follows a doubling.
        has_average: whether the mean latent is stored.
        num_classes: 0 for a network without classes.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "mapping": WIDTH,
        "img_channels": (1, 4),
        "channels": WIDTH,
        "num_classes": CLASSES,
    }

    z_dim: int
    mapping: tuple[int, ...]
    img_channels: int
    channels: tuple[int, ...]
    epsilon: float = 1e-8
    blurs_bias: bool = False
    has_average: bool = True
    num_classes: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (2 <= len(self.channels) <= 10 and 1 <= len(self.mapping) <= 100):
            raise BadWeights(
                f"a StyleGAN1 cannot have {len(self.channels)} resolutions "
                f"and {len(self.mapping)} layers of mapping"
            )

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.channels) - 1)


class Styled(nn.Module):
    """A convolution, or at 4 px a constant, and what a style makes of it.

    Args:
        in_channels: 0 for the constant.
        up: whether it doubles the resolution, by a kernel of ``upsampling_kernel`` and a blur.
    """

    noise_const: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        *,
        up: bool,
        settings: StyleGAN1Settings,
    ) -> None:
        super().__init__()
        self.up, self.epsilon = up, settings.epsilon
        self.blurs_bias = settings.blurs_bias
        if not in_channels:
            self.const = nn.Parameter(torch.empty(out_channels, 4, 4))
        else:
            shape = (in_channels, out_channels, 4, 4) if up else (out_channels, in_channels, 3, 3)
            # The memory order that convolutions of features with channels last want.
            self.weight = nn.Parameter(torch.empty(shape, memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.noise_strength = nn.Parameter(torch.empty(out_channels))
        self.register_buffer("noise_const", torch.empty(size, size))
        self.style = nn.Linear(settings.mapping[-1], 2 * out_channels)

    def forward(self, x: Tensor | None, w: Tensor, noise: NoiseMaps) -> Tensor:
        """Features (B, I, H, W), None for the constant, and w (B, w_dim) to (B, O, H', W')."""
        x = self._convolved(x, len(w))
        added = noise.next(self.noise_const)
        if added is not None:
            x = torch.addcmul(x, added, self.noise_strength[:, None, None])
        x = F.leaky_relu(x, _SLOPE) if torch.is_grad_enabled() else F.leaky_relu_(x, _SLOPE)
        # Products of matrices sum pixels many times faster than sums along an axis.
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        share = pixels.new_full((1, 1, pixels.shape[1]), 1 / pixels.shape[1])
        share = share.expand(len(pixels), -1, -1)
        mean = share @ pixels
        deviation = (share @ (pixels - mean).square() + self.epsilon).sqrt()
        gain, shift = self.style(w)[:, None].chunk(2, dim=2)
        gain = gain / deviation
        shift = shift - mean * gain
        gain, shift = (t.transpose(1, 2)[:, :, :, None] for t in (gain, shift))
        if torch.is_grad_enabled():
            return torch.addcmul(shift, x, gain)
        return torch.addcmul(shift, x, gain, out=x)

    def _convolved(self, x: Tensor | None, num: int) -> Tensor:
        if x is None:
            x = (self.const + self.bias[:, None, None]).expand(num, -1, -1, -1)
            return x.contiguous(memory_format=torch.channels_last)
        if not self.up:
            return F.conv2d(x, self.weight, self.bias, padding=1)
        before, after = (self.bias, None) if self.blurs_bias else (None, self.bias)
        x = upsample_convolve(x, self.weight, before)
        taps = x.new_tensor(_BLUR)
        taps = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, taps, after, padding=1, groups=x.shape[1])


class StyleGAN1Network(nn.Module):
    """``mapping`` takes z to w; codes, one for each layer, become an image.

    Buffers:
        class_vectors: (classes, z_dim), joined to z; only with classes.
        w_avg: the mean latent, (w_dim,); only where it is stored.
    """

    class_vectors: Tensor | None
    w_avg: Tensor | None

    def __init__(self, settings: StyleGAN1Settings) -> None:
        super().__init__()
        self.num_ws, self.w_dim = 2 * len(settings.channels), settings.mapping[-1]
        num, channels = settings.num_classes, settings.channels
        widths = [settings.z_dim * (2 if num else 1), *settings.mapping]
        self.dense = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(widths))
        vectors = torch.empty(num, settings.z_dim) if num else None
        self.register_buffer("class_vectors", vectors)
        self.register_buffer("w_avg", torch.empty(self.w_dim) if settings.has_average else None)
        self.layers = nn.ModuleList()
        for i, width in enumerate(channels):
            before = channels[i - 1] if i else 0
            for inputs, up in ((before, i > 0), (width, False)):
                self.layers.append(Styled(inputs, width, 4 << i, up=up, settings=settings))
        self.colours = nn.Parameter(torch.empty(settings.img_channels, channels[-1], 1, 1))
        self.colours_bias = nn.Parameter(torch.empty(settings.img_channels))

    def mapping(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z (B, z_dim) and numbers of classes (B,), where there are any, to w (B, w_dim)."""
        if self.class_vectors is not None:
            z = torch.cat([z, self.class_vectors[classes]], dim=1)
        x = unit_rms(z)
        for layer in self.dense:
            x = F.leaky_relu(layer(x), _SLOPE)
        return x

    def forward(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """Codes (B, num_ws, w_dim) to images (B, img_channels, H, W)."""
        with torch.set_grad_enabled(records_gradients(self, ws)):
            maps = NoiseMaps(noise, ws)
            x: Tensor | None = None
            for i, layer in enumerate(self.layers):
                x = layer(x, ws[:, i], maps)
            assert x is not None
            return F.conv2d(x, self.colours, self.colours_bias)
