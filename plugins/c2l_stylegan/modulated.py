"""The modulated convolution that both families share.

The papers scale the weights of a convolution by the style, once for each image, which makes a
batch a grouped convolution. Scaling the *features* by the style before an ordinary convolution,
and the result by the demodulation factor after it, is the same linear map; it is several times
faster on CPUs and cheap to differentiate. For a single large image without gradients, scaling
the weights is cheaper after all, and that is done then.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Modulated(nn.Module):
    """Base of the layers that hold a convolution's ``weight`` (O, I, k, k)."""

    weight: nn.Parameter

    def power(self) -> Tensor:
        """Sums of the squared weights over the kernel, (O, I)."""
        return self.weight.square().sum(dim=(2, 3))

    def modulate(
        self, x: Tensor, styles: Tensor, scale: Tensor, bias: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """Convolve ``x * styles``, then times ``scale``, plus ``bias`` and ``noise``.

        Args:
            x: features (B, I, H, W).
            styles, scale, bias: (B, I), (B, O) and (O,).
            noise: (1 or B, 1, H', W').
        """
        if self._weights_are_lighter_than(x):
            weight = self.weight * styles[0][:, None, None] * scale[0][:, None, None, None]
            y = self.convolve(x, weight, bias)
            return y if noise is None else y.add_(noise)
        y = self.convolve(x * styles[:, :, None, None], self.weight, None)
        if noise is None:
            shift = bias[:, None, None]
        else:
            shift = (noise.permute(0, 2, 3, 1) + bias).permute(0, 3, 1, 2)  # channels last
        if torch.is_grad_enabled():
            return torch.addcmul(shift, y, scale[:, :, None, None])
        return torch.addcmul(shift, y, scale[:, :, None, None], out=y)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution itself."""
        raise NotImplementedError

    def _weights_are_lighter_than(self, x: Tensor) -> bool:
        if torch.is_grad_enabled() or len(x) != 1:
            return False
        # What is read and written in two passes over the weights, against the features.
        features = x[0, 0].numel() * (self.weight.shape[0] + self.weight.shape[1])
        return 2 * self.weight.numel() < features


def records_gradients(network: nn.Module, latents: Tensor) -> bool:
    """Whether autograd would record what ``network`` makes of ``latents``.

    Where it would not, layers work in place.
    """
    if not torch.is_grad_enabled():
        return False
    tensors = (latents, *network.parameters(), *network.buffers())
    return any(tensor.requires_grad for tensor in tensors)
