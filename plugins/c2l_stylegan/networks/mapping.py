"""The mapping network: noise z, and a class label where there is one, to the latent w."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l_stylegan.networks.activations import ACTIVATIONS
from c2l_stylegan.networks.initial_weights import normal
from c2l_stylegan.networks.settings import MappingSettings


class FullyConnected(nn.Module):
    """A linear layer with equalised learning rate (Karras et al. 2018), then an activation.

    What is stored is the weight divided by its scale at initialisation, so that all layers learn
    at one speed; the scale is applied here.

    Args:
        lr_multiplier: slows the layer down: weights are stored larger by this factor.
        bias: initial value of the bias in effect.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(out_features, in_features, over=lr_multiplier))
        self.bias = nn.Parameter(torch.full((out_features,), bias / lr_multiplier))
        self.activation = activation
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_features) to (B, out_features)."""
        weight = self.weight * self.weight_gain
        bias = self.bias if self.bias_gain == 1 else self.bias * self.bias_gain
        function, gain = ACTIVATIONS[self.activation]
        y = function(F.linear(x, weight, bias))
        return y if gain == 1 else y * gain


def unit_rms(x: Tensor) -> Tensor:
    """Rows of ``x`` scaled to a root mean square of one."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Mapping(nn.Module):
    """z and class label to w.

    Args:
        z_dim, c_dim, w_dim: widths of z, of the label (0: none) and of w.
    """

    def __init__(self, z_dim: int, c_dim: int, w_dim: int, settings: MappingSettings) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.num_layers = z_dim, c_dim, settings.num_layers
        embedded = (settings.embed_features or w_dim) if c_dim else 0
        self.embed = FullyConnected(c_dim, embedded) if c_dim else None
        between = settings.layer_features or w_dim
        widths = [z_dim + embedded, *[between] * (settings.num_layers - 1), w_dim]
        for i in range(settings.num_layers):
            layer = FullyConnected(
                widths[i],
                widths[i + 1],
                activation=settings.activation,
                lr_multiplier=settings.lr_multiplier,
            )
            self.add_module(f"fc{i}", layer)
        self.w_avg: Tensor | None
        self.register_buffer("w_avg", torch.zeros(w_dim) if settings.has_average else None)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """z (B, z_dim), labels (B, c_dim) where c_dim > 0, to w (B, w_dim); all float32."""
        x = unit_rms(z)
        if self.embed is not None:
            assert labels is not None
            x = torch.cat([x, unit_rms(self.embed(labels))], dim=1)
        for i in range(self.num_layers):
            x = getattr(self, f"fc{i}")(x)
        return x
