"""What pictures cost: time by stage, evaluations of the prior, parameters, memory."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from c2l.evaluation.observations import Observations
from c2l.evaluation.plan import Variant
from c2l.evaluation.result import Cost
from c2l.part import Part
from c2l.pipeline import Pipeline

STAGES = ("text", "prior", "student", "synthesis", "ranking", "optimising")
_WARM_UPS = 2
_REPEATS = 5


def measure_costs(
    pipeline: Pipeline,
    prompt: str,
    variants: Sequence[Variant],
    drawn: Sequence[Observations],
) -> list[Cost]:
    """What each variant costs.

    Args:
        prompt: is drawn alone, a few times.
        drawn: for each variant, what was seen in its pictures.
    """
    parameters = {
        "prior": _num_stored(pipeline.prior),
        "generator": _num_stored(pipeline.generator),
        "embedder": _num_stored(pipeline.embedder),
    }
    return [
        Cost(
            alone=alone,
            in_batches={
                stage: round(seen.milliseconds[stage] / len(seen), 3)
                for stage in STAGES
                if stage in seen.milliseconds
            },
            **_count_calls(pipeline, prompt, variant),
            parameters=parameters,
            peak_memory=_peak_memory(pipeline.generator.device),
        )
        for variant, seen, alone in zip(
            variants, drawn, _time_alone(pipeline, prompt, variants), strict=True
        )
    ]


def _time_alone(
    pipeline: Pipeline, prompt: str, variants: Sequence[Variant]
) -> list[dict[str, float]]:
    """Milliseconds of one picture by stage for each variant: the median of a few.

    The variants take turns, so that a machine that warms up or does other work is fair to all.
    """
    rounds = [
        [
            pipeline(prompt, seeds=[seed], guidance=v.guidance, steps=v.steps).milliseconds
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


def _count_calls(pipeline: Pipeline, prompt: str, variant: Variant) -> dict[str, int]:
    """Calls of the prior's network for one picture, and rows in them: the most there may be.

    Candidates that are drawn together share calls, so one is counted and multiplied.
    """
    candidates = pipeline.effective(variant.settings).most_candidates
    with _watched(_main_networks(pipeline.prior)) as watch:
        pipeline(
            prompt,
            seeds=[0],
            best_of=1,
            optimise=0,
            guidance=variant.guidance,
            steps=variant.steps,
        )
    return {"evaluations": candidates * watch.calls, "passes": candidates * watch.rows}


@dataclass
class _Watch:
    calls: int = 0
    rows: int = 0


@contextmanager
def _watched(networks: Sequence[nn.Module]) -> Iterator[_Watch]:
    """Count how often networks are called, and with how many rows in all."""
    watch = _Watch()

    def note(module: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        tensors = [x for x in (*arguments, *keywords.values()) if isinstance(x, Tensor) and x.ndim]
        watch.calls += 1
        watch.rows += len(tensors[0]) if tensors else 1

    handles = [network.register_forward_pre_hook(note, with_kwargs=True) for network in networks]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()


def _main_networks(prior: Part) -> list[nn.Module]:
    """The submodule with most of a prior's parameters, or several of one size; none without any.

    Not the student, which may be larger, but does not draw.
    """
    sizes = {
        child: sum(p.numel() for p in child.parameters())
        for name, child in prior.named_children()
        if name != "student"
    }
    most = max(sizes.values(), default=0)
    return [child for child, size in sizes.items() if size == most > 0]


def _num_stored(part: Part) -> int:
    """How many numbers a part stores: weights, statistics, and pairs if it keeps them."""
    return sum(tensor.numel() for tensor in part.state_dict().values())


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else 1024 * int(peak)
