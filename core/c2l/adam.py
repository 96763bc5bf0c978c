"""torch's Adam and AdamW, without torch's compiler, which both import at their first use.

That takes longer than importing torch, and nothing here is compiled. The computations are those of
torch, beneath the wrappers that keep the compiler away from them.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch


class _Plain(torch.optim.Optimizer):
    """Before an optimiser of torch among the bases, it takes the wrappers off."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        inspect.unwrap(torch.optim.Optimizer.add_param_group)(self, param_group)

    def state_dict(self) -> dict[str, Any]:
        stated: dict[str, Any] = inspect.unwrap(torch.optim.Optimizer.state_dict)(self)
        return stated

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        inspect.unwrap(torch.optim.Optimizer.load_state_dict)(self, state_dict)

    def zero_grad(self, set_to_none: bool = True) -> None:
        inspect.unwrap(torch.optim.Optimizer.zero_grad)(self, set_to_none)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; ``closure`` is there because torch's own optimisers have it."""
        return inspect.unwrap(torch.optim.Adam.step)(self, closure)


class Adam(_Plain, torch.optim.Adam):
    """As ``torch.optim.Adam``."""


class AdamW(_Plain, torch.optim.AdamW):
    """As ``torch.optim.AdamW``."""
