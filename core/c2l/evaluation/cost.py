"""What pictures cost: time by stage, evaluations of the prior, parameters, memory."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from c2l.evaluation.plan import Variant
from c2l.evaluation.sampling import asked
from c2l.part import Part
from c2l.pipeline import Pipeline

STAGES = ("text", "prior", "student", "synthesis", "ranking", "optimising")
_WARM_UPS = 2
_REPEATS = 5


def measure_costs(
    pipeline: Pipeline,
    prompt: str,
    variants: Sequence[Variant],
    parts: Sequence[Sequence[Mapping[str, Tensor]]],
) -> list[dict[str, Any]]:
    """What each variant costs, JSON-able.

    Args:
        prompt: is drawn alone, a few times.
        parts: for each variant the batches that were drawn, with their milliseconds by stage.
    Returns:
        ``alone``: milliseconds by stage of one picture of one prompt, its candidates included,
        medians of five;
        ``in_batches``: milliseconds of a picture by stage, mean over all batches; ``evaluations``
        of the prior's network for one picture, by all its candidates, and ``passes`` through it,
        more where guidance takes two; ``parameters`` of each part; ``peak_memory`` in bytes, of
        the device if it has its own, else of the whole process so far.
    """
    parameters = {
        "prior": _num_stored(pipeline.prior),
        "generator": _num_stored(pipeline.generator),
        "embedder": _num_stored(pipeline.embedder),
    }
    return [
        {
            "alone": alone,
            "in_batches": _in_batches(batches),
            **_calls(pipeline, prompt, variant),
            "parameters": parameters,
            "peak_memory": _peak_memory(pipeline.generator.device),
        }
        for variant, batches, alone in zip(
            variants, parts, _alone(pipeline, prompt, variants), strict=True
        )
    ]


def _alone(pipeline: Pipeline, prompt: str, variants: Sequence[Variant]) -> list[dict[str, float]]:
    """Milliseconds of one picture by stage for each variant.

    The variants take turns: what else the machine does, and how warm it is, meets all alike.
    """
    rounds = [
        [
            pipeline(prompt, seeds=[seed], **asked(pipeline.settings, v)).milliseconds
            for v in variants
        ]
        for seed in range(_WARM_UPS + _REPEATS)
    ]
    return [
        {
            stage: round(statistics.median(run[stage] for run in runs), 3)
            for stage in STAGES
            if stage in runs[0]
        }
        for runs in zip(*rounds[_WARM_UPS:], strict=True)
    ]


def _in_batches(batches: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    num = sum(len(batch["own"]) for batch in batches)
    return {
        stage: round(sum(float(batch[f"ms {stage}"]) for batch in batches) / num, 3)
        for stage in STAGES
        if f"ms {stage}" in batches[0]
    }


def _calls(pipeline: Pipeline, prompt: str, variant: Variant) -> dict[str, int]:
    """Calls of the prior's network for one picture, and rows in them.

    Candidates share calls where they are drawn together, so one is counted, for all of them.
    """
    candidates = pipeline.settings.best_of
    with _watched(_main_network(pipeline.prior)) as watch:
        pipeline(prompt, seeds=[0], best_of=1, optimise=0, **asked(pipeline.settings, variant))
    return {"evaluations": candidates * watch.calls, "passes": candidates * watch.rows}


@dataclass
class _Watch:
    calls: int = 0
    rows: int = 0
    handles: list[Any] = field(default_factory=list)


@contextmanager
def _watched(network: nn.Module | None) -> Iterator[_Watch]:
    """Count how often a network is called, and with how many rows in all."""
    watch = _Watch()

    def note(module: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        tensors = [x for x in (*arguments, *keywords.values()) if isinstance(x, Tensor) and x.ndim]
        watch.calls += 1
        watch.rows += len(tensors[0]) if tensors else 1

    handle = network.register_forward_pre_hook(note, with_kwargs=True) if network else None
    try:
        yield watch
    finally:
        if handle:
            handle.remove()


def _main_network(prior: Part) -> nn.Module | None:
    """The submodule with most of a prior's parameters; None for one that has no network.

    The student is larger than a small prior, and not what draws.
    """
    sizes = {
        child: sum(p.numel() for p in child.parameters())
        for name, child in prior.named_children()
        if name != "student"
    }
    return max(sizes, key=lambda child: sizes[child]) if any(sizes.values()) else None


def _num_stored(part: Part) -> int:
    """Numbers that a part holds, stored pairs and statistics included."""
    return sum(tensor.numel() for tensor in part.state_dict().values())


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else 1024 * int(peak)
