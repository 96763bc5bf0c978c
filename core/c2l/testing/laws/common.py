"""What the laws are made of."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.part import Part

PartT = TypeVar("PartT", bound=Part)
Law = Callable[[PartT], None]
"""Raises ``AssertionError`` if the part breaks it."""

SEEDS = (5, 3, 9, 0, 7, 1, 2, 8)
LARGE_SEEDS = (0, 2**32, 2**63, 2**64 - 1)
BATCHES = (1, 3, len(SEEDS))


def require(condition: bool, message: str) -> None:
    """As ``assert``, which pytest explains in test files alone and ``python -O`` leaves out."""
    if not condition:
        raise AssertionError(message)


def require_tensor(tensor: Tensor, shape: tuple[int, ...], part: Part, what: str) -> None:
    """Raises unless ``tensor`` is finite float32 of this shape on the part's device."""
    require(tuple(tensor.shape) == shape, f"{what} have shape {tuple(tensor.shape)}, not {shape}")
    require(tensor.dtype == torch.float32, f"{what} are {tensor.dtype}, not float32")
    require(
        tensor.device.type == part.device.type,
        f"{what} are on {tensor.device}, and the part on {part.device}",
    )
    require(bool(torch.isfinite(tensor).all()), f"{what} hold NaN or infinity")


def require_near(actual: Tensor, expected: Tensor, message: str) -> None:
    """Raises unless two tensors are equal but for rounding, which may grow with their size."""
    scale = max(1.0, float(expected.detach().abs().max()))
    difference = float((actual - expected).detach().abs().max())
    # Written so that NaN fails.
    require(difference <= 1e-4 * scale, f"{message} (they differ by {difference:.2g})")


def refuses(call: Callable[[], Any], what: str) -> None:
    """Raises unless ``call`` raises ``BadInput``."""
    try:
        call()
    except BadInput:
        return
    except Exception as error:
        name = type(error).__name__
        raise AssertionError(f"{what} ends in {name}; raise c2l.errors.BadInput") from error
    raise AssertionError(f"{what} is accepted; raise c2l.errors.BadInput")


@contextmanager
def nothing_shared_changes() -> Iterator[None]:
    """Raises if what runs inside changes state that the rest of the process can see."""
    before = _process_state()
    yield
    for name, value in _process_state().items():
        require(value == before[name], f"{name} changed; leave it as it was")


def _process_state() -> dict[str, Any]:
    return {
        "torch's global random state": torch.get_rng_state().tolist(),
        "numpy's global random state": repr(np.random.get_state()),
        "Python's global random state": random.getstate(),
        "the number of torch's threads": torch.get_num_threads(),
        "torch's default dtype": torch.get_default_dtype(),
        "whether torch records gradients": torch.is_grad_enabled(),
    }


def the_fingerprint_is_that_of_the_weights(part: Part) -> None:
    """Equal for a copy, different as soon as any weight is, and back again with it."""
    first = part.fingerprint()
    require(len(first) == 64, "a fingerprint is 64 hex digits")
    other = copy.deepcopy(part)
    require(part.fingerprint() == other.fingerprint() == first, "a copy has another fingerprint")
    for name, tensor in other.state_dict().items():
        if tensor.numel() == 0:
            continue
        kept = tensor.clone()
        with torch.no_grad():
            tensor.copy_(~kept if kept.dtype == torch.bool else kept + 1)
        require(other.fingerprint() != first, f"the fingerprint does not depend on {name}")
        with torch.no_grad():
            tensor.copy_(kept)
        require(other.fingerprint() == first, "the fingerprint depends on more than the weights")
        break
    require(part.fingerprint() == first, "the fingerprint of one part follows another's weights")
