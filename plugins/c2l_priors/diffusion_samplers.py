"""Samplers of a diffusion: DDPM, DDIM, DPM-Solver++(2M), and DDPM as clip2latent strides it.

Each walks from noise down to a latent, given something that predicts the clean latent. It takes
the start from ``noise`` and then, where it is random, one tensor for each step,
in the order of use. How varied their samples are was computed for Gaussian latents with a perfect
predictor and no guidance, as the ratio of the samples' standard deviation to the true one, for a
conditional variance of 1 / 0.1 / 0.01 of the whole:

    ddpm      1000 calls   1.00  0.99  0.98
    skip         4 calls   0.39  0.20  0.37
    ddim        10 calls   0.87  0.79  0.51
    ddim        50 calls   0.98  0.96  0.88
    dpm++2m      6 calls   0.98  0.97  0.90
    dpm++2m     10 calls   1.03  1.02  0.98
    dpm++2m     20 calls   1.01  1.01  0.99
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l_priors.diffusion_schedule import SMALLEST_VARIANCE, NoiseSchedule

Predict = Callable[[Tensor, Sequence[int]], Tensor]
"""x_t to the predicted x0, of the same shape. The first of the timesteps is t, the others are those
of the calls to come."""

HIGHEST_NOISE, LOWEST_NOISE = -3.5, 4.0
"""The grid of ``dpm++2m`` lies between these logarithms of signal over noise. Beyond them a call
changes nothing: the prediction is the mean, or the latent itself."""


@dataclass(frozen=True)
class Sampler:
    """A sampler, and how many calls of the network it takes unless told otherwise."""

    run: Callable[[Predict, NoiseSchedule, int, Iterator[Tensor]], Tensor]
    steps: int


def ddpm(predict: Predict, schedule: NoiseSchedule, steps: int, noise: Iterator[Tensor]) -> Tensor:
    """DDPM's ancestral sampling (Ho et al. 2020, arXiv 2006.11239).

    Fewer steps than T are spread evenly.
    """
    num = schedule.num_timesteps
    if steps == num:
        return skip(predict, schedule, steps, noise)
    times = _evenly(num, steps)
    return _ancestral(predict, times, _posterior(schedule, times), noise)


def skip(predict: Predict, schedule: NoiseSchedule, steps: int, noise: Iterator[Tensor]) -> Tensor:
    """DDPM at every T / steps-th timestep, as clip2latent's code does it (arXiv 2210.02347).

    It reproduces the authors' pictures. With fewer than T steps it adds far too little noise: the
    variance is that of the unskipped schedule, and the walk starts below the highest noise. Samples
    gather near the mean of what fits the prompt, a truncation that nobody asked for and to which
    their pictures owe much.
    """
    num = schedule.num_timesteps
    if num % steps:
        fits = ", ".join(str(n) for n in range(1, num + 1) if num % n == 0)
        raise BadInput(
            f"the sampler skip cannot take {steps} of {num} timesteps",
            hint=f"Use `steps`: one of {fits}",
            field="steps",
        )
    times = list(range(num - num // steps, -1, -num // steps))
    return _ancestral(predict, times, _as_released(schedule, times), noise)


def ddim(predict: Predict, schedule: NoiseSchedule, steps: int, noise: Iterator[Tensor]) -> Tensor:
    """DDIM without fresh noise, at evenly spread timesteps (Song et al. 2021, arXiv 2010.02502)."""
    times = _evenly(schedule.num_timesteps, steps)
    return _straight(predict, schedule, times, next(noise))


def renoised(
    predict: Predict, schedule: NoiseSchedule, steps: int, noise: Tensor, near: Tensor, share: float
) -> Tensor:
    """DDIM from latents with noise in them (Meng et al. 2021, arXiv 2108.01073).

    What the network would change of latents without any noise is its own error. It is taken off
    again, the less the more noise there is.

    Args:
        steps: of a whole walk; this one takes its share of them.
        near: the latents, standardised, as ``noise``: (B, K, D).
        share: how much noise, against how much noise and signal together.
    """
    signal, spread = _scales(schedule)
    shares = [b / (a + b) for a, b in zip(signal, spread, strict=True)]
    first = min(range(len(shares)), key=lambda t: abs(shares[t] - share))
    x = signal[first] * near + spread[first] * noise
    times = _evenly(first + 1, min(math.ceil(steps * share), first + 1))
    error = predict(near, [0]) - near
    return _straight(predict, schedule, times, x) - (1 - share) * error


def _straight(predict: Predict, schedule: NoiseSchedule, times: list[int], x: Tensor) -> Tensor:
    """From x_t at the first of falling ``times``, without fresh noise."""
    signal, spread = _scales(schedule)
    for index, (now, after) in enumerate(itertools.pairwise(times)):
        clean = predict(x, times[index:])
        direction = (x - signal[now] * clean) / spread[now]
        x = signal[after] * clean + spread[after] * direction
    return predict(x, times[-1:])


def dpm_2m(
    predict: Predict, schedule: NoiseSchedule, steps: int, noise: Iterator[Tensor]
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095), evenly in log signal over noise."""
    signal, spread = _scales(schedule)
    level = [math.log(a / b) for a, b in zip(signal, spread, strict=True)]
    times = _even_levels(level, steps)
    x = next(noise)
    before: tuple[Tensor, float] | None = None
    for index, (now, after) in enumerate(itertools.pairwise(times)):
        clean = predict(x, times[index:])
        step = level[after] - level[now]
        target = clean
        if before is not None:
            # The line through the last two predictions, half a step ahead.
            target = clean + (clean - before[0]) * (0.5 * step / before[1])
        x = (spread[after] / spread[now]) * x - (signal[after] * math.expm1(-step)) * target
        before = clean, step
    return predict(x, times[-1:])


SamplerName = Literal["ddim", "ddpm", "dpm++2m", "skip"]

SAMPLERS: Mapping[SamplerName, Sampler] = MappingProxyType(
    {
        "ddim": Sampler(ddim, 50),
        "ddpm": Sampler(ddpm, 1000),
        "dpm++2m": Sampler(dpm_2m, 10),
        "skip": Sampler(skip, 4),
    }
)


@dataclass(frozen=True)
class _Move:
    """x becomes ``clean * predicted + noisy * x + std * noise``."""

    clean: float
    noisy: float
    std: float


def _ancestral(
    predict: Predict, times: list[int], moves: list[_Move], noise: Iterator[Tensor]
) -> Tensor:
    x = next(noise)
    for index, move in enumerate(moves):
        x = move.clean * predict(x, times[index:]) + move.noisy * x
        if index < len(moves) - 1:
            x = x + move.std * next(noise)
    return x


def _posterior(schedule: NoiseSchedule, times: list[int]) -> list[_Move]:
    """The moves of DDPM between falling ``times``, the last one to the clean latent."""
    signal = schedule.alphas_cumprod.cpu().double()[times].tolist()
    moves = []
    for a, before in zip(signal, [*signal[1:], 1.0], strict=True):
        kept = a / before
        variance = (1 - kept) * (1 - before) / (1 - a)
        moves.append(
            _Move(
                clean=(1 - kept) * math.sqrt(before) / (1 - a),
                noisy=(1 - before) * math.sqrt(kept) / (1 - a),
                std=math.sqrt(max(variance, SMALLEST_VARIANCE)),
            )
        )
    return moves


def _as_released(schedule: NoiseSchedule, times: list[int]) -> list[_Move]:
    """The moves of the authors' code, in the order and the float32 in which it computes them."""
    stored = schedule.alphas_cumprod.float().cpu()[times].flip(0)
    betas = 1 - stored / torch.cat([stored.new_ones(1), stored[:-1]])
    alphas = 1 - betas
    signal = alphas.cumprod(0)
    before = torch.cat([signal.new_ones(1), signal[:-1]])
    clean = betas * before.sqrt() / (1 - signal)
    noisy = (1 - before) * alphas.sqrt() / (1 - signal)
    std = (0.5 * schedule.log_variance.float().cpu()[times].flip(0)).exp()
    return [_Move(*map(float, row)) for row in torch.stack([clean, noisy, std], dim=1).flip(0)]


def _scales(schedule: NoiseSchedule) -> tuple[list[float], list[float]]:
    """Of signal and of noise at each timestep."""
    # An average of tables may touch the borders.
    signal = schedule.alphas_cumprod.cpu().double().clamp(1e-12, 1 - 1e-12)
    return signal.sqrt().tolist(), (1 - signal).sqrt().tolist()


def _evenly(num_timesteps: int, steps: int) -> list[int]:
    """``steps`` falling timesteps from the last one to 0."""
    if steps == 1:
        return [num_timesteps - 1]
    return [round((num_timesteps - 1) * (1 - i / (steps - 1))) for i in range(steps)]


def _even_levels(level: list[float], steps: int) -> list[int]:
    """``steps`` falling timesteps: the last one, then evenly spread in ``level``, which falls."""
    num = len(level)
    high, low = max(level[-1], HIGHEST_NOISE), min(level[0], LOWEST_NOISE)
    times = [num - 1]
    for index in range(1, steps):
        wanted = high + (low - high) * index / (steps - 1)
        nearest = min(range(num), key=lambda t: abs(level[t] - wanted))
        times.append(max(min(nearest, times[-1] - 1), steps - 1 - index))
    return times
