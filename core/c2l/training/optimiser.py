"""AdamW by its function in torch: its class imports torch's compiler, a second and 160 MB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw

BETAS = (0.9, 0.99)
EPS = 1e-8
_STATE = ("step", "exp_avg", "exp_avg_sq")


class AdamW:
    """As ``torch.optim.AdamW``, to the last bit.

    Args:
        parameters: all on one device.
    """

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        self._parameters = list(parameters)
        self._weight_decay = weight_decay
        # One kernel for all of it; not every device has one.
        self._fused = all(p.device.type in {"cpu", "cuda"} for p in self._parameters)
        self._states: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move all parameters that have a gradient; the others keep their state."""
        moved = {i: p for i, p in enumerate(self._parameters) if p.grad is not None}
        for index, parameter in moved.items():
            if index not in self._states:
                self._states[index] = {
                    "step": torch.zeros((), device=self._place_of_steps(parameter)),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        steps, means, squares = (
            [self._states[index][name] for index in moved] for name in _STATE
        )  # fmt: skip
        adamw(
            list(moved.values()),
            [p.grad for p in moved.values() if p.grad is not None],
            means,
            squares,
            [],
            steps,
            fused=self._fused or None,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=self._weight_decay,
            eps=EPS,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on, by the number of the parameter: ``3.exp_avg``."""
        return {
            f"{index}.{name}": tensor
            for index, state in self._states.items()
            for name, tensor in state.items()
        }

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a state. Raises ``KeyError`` or ``ValueError`` where it is another's."""
        self._states = {}
        for index in sorted({int(name.partition(".")[0]) for name in tensors}):
            if index >= len(self._parameters):
                raise ValueError(f"there is no weight {index}")
            parameter = self._parameters[index]
            self._states[index] = state = {n: tensors[f"{index}.{n}"] for n in _STATE}
            for name, tensor in state.items():
                if tensor.shape != (torch.Size() if name == "step" else parameter.shape):
                    raise ValueError(f"{name} of weight {index} has another shape")
                place = self._place_of_steps(parameter) if name == "step" else parameter.device
                state[name] = tensor.to(place)

    def _place_of_steps(self, parameter: Tensor) -> torch.device | None:
        return parameter.device if self._fused else None
