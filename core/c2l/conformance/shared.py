"""State that everything in a process shares, and that a part must leave as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Shared:
    """A state, by its two functions."""

    read: Callable[[], Any]
    write: Callable[[Any], Any]


SHARED: Mapping[str, Shared] = {
    "torch's global random state": Shared(torch.get_rng_state, torch.set_rng_state),
    "numpy's global random state": Shared(np.random.get_state, np.random.set_state),
    "Python's global random state": Shared(random.getstate, random.setstate),
    "the number of torch's threads": Shared(torch.get_num_threads, torch.set_num_threads),
    "torch's default dtype": Shared(torch.get_default_dtype, torch.set_default_dtype),
    "whether torch records gradients": Shared(torch.is_grad_enabled, torch.set_grad_enabled),
    "whether torch insists on deterministic algorithms": Shared(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
}


@contextmanager
def put_back() -> Iterator[None]:
    """Afterwards every shared state is as it was before."""
    before = {name: shared.read() for name, shared in SHARED.items()}
    try:
        yield
    finally:
        for name, shared in SHARED.items():
            shared.write(before[name])
