"""Checkpoints: the exact state of an unfinished run in one file."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.adam import AdamW
from c2l.errors import BadWeights, IncompatibleParts
from c2l.files import remove_partials, write_atomically
from c2l.places import Place, on_disk
from c2l.prior import Prior
from c2l.ranks import Ranks
from c2l.training.plan import TrainingPlan

SCHEMA = "c2l-checkpoint/2"


@dataclass
class Best:
    """The best averaged weights so far: their step, their held-out loss, the weights themselves."""

    step: int
    loss: float
    weights: dict[str, Tensor]


@dataclass
class TrainingState:
    """Everything that the next step depends on.

    No random state: batches and noise are functions of the plan and the step.

    Args:
        prior: being trained.
        average: the moving average of its weights, in eval mode.
        optimiser: of ``prior``.
        step: how many are done.
        best: None before the first validation, or without held-out pairs.
    """

    prior: Prior
    average: Prior
    optimiser: torch.optim.Optimizer
    step: int = 0
    best: Best | None = None

    @classmethod
    def of(cls, prior: Prior, plan: TrainingPlan) -> TrainingState:
        """The state before the first step; ``prior`` is fitted and on its device."""
        fused = prior.device.type in {"cpu", "cuda"}
        optimiser = AdamW(
            prior.parameters(), betas=(0.9, 0.99), weight_decay=plan.weight_decay, fused=fused
        )
        return cls(prior, copy.deepcopy(prior).requires_grad_(False).eval(), optimiser)

    def keep_if_best(self, loss: float | None) -> bool:
        """Keep the averaged weights if this is the lowest loss so far; returns whether it is."""
        if loss is None:
            return True
        if self.best is not None and loss >= self.best.loss:
            return False
        weights = {name: tensor.clone() for name, tensor in self.average.state_dict().items()}
        self.best = Best(self.step, loss, weights)
        return True

    def save(self, path: Place, plan: TrainingPlan) -> None:
        """Write it atomically."""
        tensors: dict[str, Tensor] = {}
        groups = {"prior": self.prior.state_dict(), "average": self.average.state_dict()}
        if self.best is not None:
            groups["best"] = self.best.weights
        for prefix, weights in groups.items():
            tensors.update({f"{prefix}.{name}": tensor for name, tensor in weights.items()})
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors.update({f"optimiser.{index}.{name}": tensor for name, tensor in state.items()})
        metadata = {
            "schema": SCHEMA,
            "step": self.step,
            "best": None if self.best is None else [self.best.step, self.best.loss],
            "plan": plan.to_dict(),
        }
        data = safetensors.torch.save(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            metadata={"c2l": json.dumps(metadata, sort_keys=True)},
        )
        write_atomically(path, data)

    def load(self, path: Place, plan: TrainingPlan, ranks: Ranks) -> None:
        """Restore the saved state, if there is one; the first of the ranks reads it for all.

        Raises:
            BadWeights: the file is damaged.
            IncompatibleParts: it belongs to a run with a different plan.
        """
        hint = f"Remove {path} to start again"
        try:
            found = ranks.told(_read(path) if ranks.first else None)
            if found is None:
                return
            metadata, tensors = found
            if metadata["schema"] != SCHEMA:
                raise ValueError("unknown schema")
            if metadata["step"] == 0:
                return  # nothing was trained, so any plan may take its place
            _check_plan(path, metadata["plan"], plan)
            self._take(tensors, metadata)
        except (SafetensorError, OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise BadWeights(f"the checkpoint {path} is damaged: {reason}", hint=hint) from error

    def _take(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        self.prior.load_state_dict(_under("prior.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimiser.", tensors).items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        if metadata["best"] is not None:
            step, loss = metadata["best"]
            self.best = Best(int(step), float(loss), _under("best.", tensors))
        self.step = int(metadata["step"])


def checkpoint_path(out: Place) -> Place:
    """The checkpoint of a run that will write ``out``."""
    return out.with_suffix(".checkpoint.safetensors")


def _read(path: Place) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """What is in a checkpoint; None where there is none."""
    remove_partials(path.parent, path.name)
    if not path.exists():
        return None
    with on_disk(path) as there, safe_open(there, framework="pt") as file:
        metadata = json.loads((file.metadata() or {})["c2l"])
        return metadata, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _check_plan(path: Place, saved: dict[str, Any], plan: TrainingPlan) -> None:
    wanted = json.loads(json.dumps(plan.to_dict()))
    # Of c2l 1.0, which knew none of these.
    num = saved["num_pairs"]
    saved = {"window": num, "sample": num, "micro_batches": 1, "fast": False, **saved}
    other = {"pairs": "the pairs differ", "prompts": "the prompts of its domain differ"}
    wrong = [
        other.get(name, f"its {name} is {saved.get(name)}, not {value}")
        for name, value in wanted.items()
        if saved.get(name) != value
    ]
    if wrong:
        raise IncompatibleParts(
            f"{path} is the checkpoint of another run: {'; '.join(wrong)}",
            hint="Use the same settings to resume it, or remove it to start again",
        )
