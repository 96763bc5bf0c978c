"""The state of an unfinished run in one file, exact to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.errors import BadWeights, IncompatibleParts
from c2l.files import remove_partials, write_atomically
from c2l.prior import Prior
from c2l.training.plan import TrainingPlan

SCHEMA = "c2l-checkpoint/1"


def checkpoint_path(out: Path) -> Path:
    """Where the state of a run that will write ``out`` is kept."""
    return out.with_suffix(".checkpoint.safetensors")


def save_checkpoint(
    path: Path,
    plan: TrainingPlan,
    step: int,
    prior: Prior,
    average: Prior,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write the state after ``step`` steps atomically.

    There is no random state in it: batches and noise are functions of the plan and the step.
    """
    tensors: dict[str, Tensor] = {}
    for prefix, state in (("prior", prior.state_dict()), ("average", average.state_dict())):
        tensors.update({f"{prefix}.{name}": tensor for name, tensor in state.items()})
    for index, state in optimiser.state_dict()["state"].items():
        tensors.update({f"optimiser.{index}.{name}": tensor for name, tensor in state.items()})
    metadata = {"schema": SCHEMA, "step": step, "plan": plan.to_dict()}
    data = safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        metadata={"c2l": json.dumps(metadata, sort_keys=True)},
    )
    write_atomically(path, data)


def load_checkpoint(
    path: Path,
    plan: TrainingPlan,
    prior: Prior,
    average: Prior,
    optimiser: torch.optim.Optimizer,
) -> int:
    """Put the saved state into the three, if there is one, and return the steps done, else 0.

    Raises:
        BadWeights: the file is damaged.
        IncompatibleParts: it belongs to a run with another plan.
    """
    remove_partials(path.parent, path.name)
    if not path.exists():
        return 0
    hint = f"Remove {path} to start anew"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {})["c2l"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata["schema"] != SCHEMA:
            raise ValueError("unknown schema")
        step = int(metadata["step"])
        _check_plan(path, metadata["plan"], plan)
        prior.load_state_dict(_under("prior.", tensors))
        average.load_state_dict(_under("average.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimiser.", tensors).items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
    except (SafetensorError, OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise BadWeights(f"the checkpoint {path} is damaged: {reason}", hint=hint) from error
    return step


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _check_plan(path: Path, saved: dict[str, Any], plan: TrainingPlan) -> None:
    wanted = json.loads(json.dumps(plan.to_dict()))
    wrong = [
        f"its {name} is {saved.get(name)}, not {value}" if name != "pairs" else "it has other pairs"
        for name, value in wanted.items()
        if saved.get(name) != value
    ]
    if wrong:
        raise IncompatibleParts(
            f"{path} is the checkpoint of another run: {'; '.join(wrong)}",
            hint="Give the same settings to go on with it, or remove it to start anew",
        )
