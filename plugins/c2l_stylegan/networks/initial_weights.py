"""The random numbers that a network starts with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from torch import Tensor

_generator: ContextVar[torch.Generator | None] = ContextVar("_generator", default=None)
"""None is torch's own, which the whole process shares."""


@contextmanager
def drawing_weights(seed: int) -> Iterator[None]:
    """Networks made within start with weights that follow from ``seed``.

    torch's own random state is neither used nor changed, so no other thread sees a difference.
    """
    token = _generator.set(torch.Generator().manual_seed(seed))
    try:
        yield
    finally:
        _generator.reset(token)


def normal(*size: int, over: float = 1.0) -> Tensor:
    """Standard normal numbers divided by ``over``; on the device "meta" a shape without numbers.

    There even ``torch.randn`` imports torch's compiler, which takes seconds.
    """
    generator, device = _generator.get(), torch.get_default_device()
    if device.type == "meta":
        return torch.empty(size)
    if generator is None:
        drawn = torch.randn(size)
    else:
        drawn = torch.randn(size, generator=generator, device="cpu").to(device)
    return drawn if over == 1 else drawn / over


def uniform_in_disc(num: int, radius: float) -> Tensor:
    """Points (num, 2), always on the CPU."""
    generator = _generator.get()
    direction = F.normalize(torch.randn(num, 2, device="cpu", generator=generator))
    # The area within a distance grows with its square.
    distance = torch.rand(num, 1, device="cpu", generator=generator).sqrt() * radius
    return direction * distance


def uniform(num: int) -> Tensor:
    """Numbers (num,) from 0 to 1, always on the CPU."""
    return torch.rand(num, device="cpu", generator=_generator.get())
