"""When the ways of computing in this folder may be used."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def allows_fast_path(x: Tensor) -> bool:
    """Whether what is computed from ``x`` may be computed in these ways.

    Autograd cannot follow them, and torch's compiler makes better code of the plain way.
    """
    return x.is_cpu and not torch.is_grad_enabled() and not torch.compiler.is_compiling()


def records_gradients(network: nn.Module, latents: Tensor) -> bool:
    """Whether autograd would record what ``network`` computes from ``latents``.

    Where it would not, layers work in place.
    """
    if not torch.is_grad_enabled():
        return False
    tensors = (latents, *network.parameters(), *network.buffers())
    return any(tensor.requires_grad for tensor in tensors)
