"""Networks of which only names and shapes are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_FILLING = frozenset(
    f"{name}_"
    for name in ("uniform", "normal", "trunc_normal", "log_normal", "exponential", "bernoulli")
)


@contextmanager
def unfilled() -> Iterator[None]:
    """Networks made within have names and shapes but neither memory nor numbers: device "meta".

    ``torch.device("meta")`` alone does the same, but filling a tensor with random numbers there can
    import torch's compiler, which takes seconds. So does arithmetic: a module computes its
    constants on the CPU.
    """
    with torch.device("meta"), _WithoutNumbers():
        yield


class _WithoutNumbers(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        filled = args[0] if args else kwargs.get("tensor")  # as torch.nn.init spells it
        if getattr(func, "__name__", "") in _FILLING and isinstance(filled, Tensor):
            return filled
        return func(*args, **kwargs)
