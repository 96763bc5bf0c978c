"""Activation functions and the gains that keep the variance of their outputs near one."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def _same(x: Tensor) -> Tensor:
    return x


def _lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "linear": (_same, 1.0),
    "relu": (torch.relu, math.sqrt(2)),
    "lrelu": (_lrelu, math.sqrt(2)),
    "tanh": (torch.tanh, 1.0),
    "sigmoid": (torch.sigmoid, 1.0),
    "elu": (F.elu, 1.0),
    "selu": (F.selu, 1.0),
    "softplus": (F.softplus, 1.0),
    "swish": (F.silu, math.sqrt(2)),
}
"""Name of an activation -> the function, and the gain its output is multiplied by."""
