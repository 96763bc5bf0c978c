"""What a network starts with."""

from __future__ import annotations

import torch
from torch import Tensor


def normal(*size: int, over: float = 1.0) -> Tensor:
    """Standard normal numbers divided by ``over``; on the device "meta" a shape without numbers.

    There even ``torch.randn`` imports torch's compiler, which takes seconds.
    """
    if torch.get_default_device().type == "meta":
        return torch.empty(size)
    drawn = torch.randn(size)
    return drawn if over == 1 else drawn / over
