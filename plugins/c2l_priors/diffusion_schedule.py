"""How much signal and how much noise a diffusion holds at each of its T timesteps.

A noisy latent is x_t = sqrt(a_t) x0 + sqrt(1 - a_t) noise with ``a = alphas_cumprod``, which falls
from nearly 1 at t = 0 to nearly 0 at t = T - 1 (Ho et al. 2020, arXiv 2006.11239; the cosine
schedule is Nichol & Dhariwal's, 2021, arXiv 2102.09672).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SMALLEST_VARIANCE = 1e-20
LARGEST_BETA = 0.999
COSINE_OFFSET = 0.008


class NoiseSchedule(nn.Module):
    """The two tables that sampling needs, each float32 of shape (T,).

    They are kept with the weights, not computed again: released checkpoints hold a running average
    of them, which has drifted from the formula by up to 0.1 %.

    Args:
        num_timesteps: T.
    """

    alphas_cumprod: Tensor
    log_variance: Tensor

    def __init__(self, num_timesteps: int) -> None:
        super().__init__()
        if torch.get_default_device().type == "meta":  # whose arithmetic imports torch's compiler
            self.register_buffer("alphas_cumprod", torch.empty(num_timesteps))
            self.register_buffer("log_variance", torch.empty(num_timesteps))
            return
        signal = cosine_alphas(num_timesteps)
        before = torch.cat([signal.new_ones(1), signal[:-1]])
        variance = (1 - signal / before) * (1 - before) / (1 - signal)
        self.register_buffer("alphas_cumprod", signal.float())
        self.register_buffer("log_variance", variance.clamp_min(SMALLEST_VARIANCE).log().float())

    @property
    def num_timesteps(self) -> int:
        return len(self.alphas_cumprod)

    def diffuse(self, clean: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """x_t of clean latents (B, K, D) at ``times`` (B,) under ``noise`` (B, K, D)."""
        signal = self.alphas_cumprod[times][:, None, None]
        return signal.sqrt() * clean + (1 - signal).sqrt() * noise


def cosine_alphas(num_timesteps: int) -> Tensor:
    """``alphas_cumprod`` of the cosine schedule, float64, shape (T,)."""
    at = torch.arange(num_timesteps + 1, dtype=torch.float64) / num_timesteps
    curve = torch.cos((at + COSINE_OFFSET) / (1 + COSINE_OFFSET) * (math.pi / 2)).square()
    betas = (1 - curve[1:] / curve[:-1]).clamp(0, LARGEST_BETA)
    return (1 - betas).cumprod(0)
