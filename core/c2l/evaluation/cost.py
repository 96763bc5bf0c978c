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
_REPEATS = 5


def measure_cost(
    pipeline: Pipeline, prompt: str, variant: Variant, parts: Sequence[Mapping[str, Tensor]]
) -> dict[str, Any]:
    """What one variant costs, JSON-able.

    Args:
        prompt: is drawn alone, a few times.
        parts: the batches that were drawn, with their milliseconds by stage.
    Returns:
        ``alone``: milliseconds by stage of one picture of one prompt, its candidates included,
        medians of five;
        ``in_batches``: milliseconds of a picture by stage, mean over all batches; ``evaluations``
        of the prior's network for one picture, and ``passes`` through it, more where guidance
        takes two; ``parameters`` of each part; ``peak_memory`` in bytes, of the device if it has
        its own, else of the whole process so far.
    """
    keywords = asked(pipeline.settings, variant)
    runs = [
        pipeline(prompt, seeds=[seed], **keywords).milliseconds for seed in range(_REPEATS + 1)
    ][1:]  # the first warms up
    num = sum(len(part["own"]) for part in parts)
    with _watched(_main_network(pipeline.prior)) as watch, torch.no_grad():
        pipeline.prior.sample(pipeline.embedder.embed_text([prompt]), seeds=[0], **keywords)
    return {
        "alone": {
            stage: round(statistics.median(run[stage] for run in runs), 3)
            for stage in STAGES
            if stage in runs[0]
        },
        "in_batches": {
            stage: round(sum(float(part[f"ms {stage}"]) for part in parts) / num, 3)
            for stage in STAGES
            if f"ms {stage}" in parts[0]
        },
        "evaluations": watch.calls,
        "passes": watch.rows,
        "parameters": {
            "prior": _num_stored(pipeline.prior),
            "generator": _num_stored(pipeline.generator),
            "embedder": _num_stored(pipeline.embedder),
        },
        "peak_memory": _peak_memory(pipeline.generator.device),
    }


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
