"""``precision=auto``: the fastest precision that makes no difference to be seen."""

from __future__ import annotations

import copy
import time

import torch

from c2l.devices import PRECISIONS, resolve_precision
from c2l.errors import BadInput, DeviceUnavailable
from c2l.generator import Generator

AUTO = "auto"
_LEVEL = 2 / 255
"""The smallest step of a picture with 8 bits, in images from -1 to 1."""
_GAIN = 1.1
"""How much faster another precision must be, since times differ from turn to turn."""


def choose_precision(generator: Generator) -> str:
    """What ``generator`` draws fastest in, if pictures change by less than one level of 255.

    Found out by drawing one picture in each precision that its device has units for, the second
    time by the clock, with a copy: to compute in less may round weights for good.
    """
    latents = generator.sample_latents([0])
    exact, seconds = _drawn(generator, latents)
    best = "float32"
    for name, dtype in PRECISIONS.items():
        try:
            resolve_precision(name, generator.device)
            if dtype == torch.float32:
                continue
            lower = copy.deepcopy(generator)
            lower.compute_in(dtype)
        except (BadInput, DeviceUnavailable):
            continue
        found, spent = _drawn(lower, latents)
        change = (found - exact).square().mean().sqrt()
        if change < _LEVEL and spent * _GAIN < seconds:
            best, seconds = name, spent
    return best


@torch.inference_mode()
def _drawn(generator: Generator, latents: torch.Tensor) -> tuple[torch.Tensor, float]:
    """A picture as it is saved, and the seconds of drawing it a second time."""
    spent = 0.0
    for _ in range(2):
        start = time.perf_counter()
        images = generator.synthesize(latents)
        if images.is_cuda:
            torch.cuda.synchronize(images.device)
        spent = time.perf_counter() - start
    return images.clamp(-1, 1), spent
