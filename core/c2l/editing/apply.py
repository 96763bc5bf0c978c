"""From operations on latents to latents: a whole batch at once, what they share computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from c2l.blending import slerp
from c2l.editing.layers import mixed
from c2l.editing.through_prior import between, sampled, sampled_by_photo, varied
from c2l.sampling.classes import random_latents
from c2l.sampling.operations import (
    Direct,
    GivenLatents,
    Interpolate,
    Mix,
    Operation,
    PhotoLatents,
    RandomLatents,
    SampleLatents,
    Vary,
    inner,
)
from c2l.sampling.parts import Parts

# Letters: B operations, L layers of the generator, D width of a code.


def latents_of(parts: Parts, *operations: Operation) -> Tensor:
    """The latents of operations, float32, (B, L, D): a code for each layer of the generator.

    Args:
        parts: a pipeline.
    Raises:
        BadInput: an operation does not fit the generator: a layer it does not have, say.
    """
    keys = _Keys()
    done: dict[str, Tensor] = {}
    for level in _levels(operations, keys):
        for some in _alike(level.values()):
            keys_of_inner = [[keys[o] for o in _needed(operation)] for operation in some]
            bases = [torch.stack([done[key] for key in row])
                     for row in zip(*keys_of_inner, strict=True)]  # fmt: skip
            rows = _carried_out(parts, some, bases)
            done.update(zip(map(keys.__getitem__, some), rows, strict=True))
    return torch.stack([done[keys[operation]] for operation in operations])


class _Keys:
    """Operations by what they say: equal ones have one key."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Operation, str]] = {}  # which keeps the ids from being reused

    def __getitem__(self, operation: Operation) -> str:
        if id(operation) not in self._known:
            self._known[id(operation)] = operation, operation.model_dump_json()
        return self._known[id(operation)][1]


def _needed(operation: Operation) -> Sequence[Operation]:
    """The operations whose latents an operation needs; a way through the prior needs none."""
    through_prior = isinstance(operation, Interpolate) and operation.path == "prior"
    return () if through_prior else inner(operation)


def _levels(operations: Iterable[Operation], keys: _Keys) -> Iterator[Mapping[str, Operation]]:
    """All that has to be carried out, each once: first what needs nothing, then what needs it."""
    heights: dict[str, int] = {}
    levels: list[dict[str, Operation]] = []

    def place(operation: Operation) -> int:
        key = keys[operation]
        if key not in heights:
            height = max((place(o) + 1 for o in _needed(operation)), default=0)
            heights[key] = height
            while len(levels) <= height:
                levels.append({})
            levels[height][key] = operation
        return heights[key]

    for operation in operations:
        place(operation)
    yield from levels


def _alike(operations: Iterable[Operation]) -> Iterator[list[Any]]:
    """Operations in lists of what can be carried out together."""
    lists: dict[object, list[Operation]] = {}
    for operation in operations:
        path = operation.path if isinstance(operation, Interpolate) else None
        lists.setdefault((type(operation), path), []).append(operation)
    yield from lists.values()


def _carried_out(parts: Parts, some: list[Any], bases: Sequence[Tensor]) -> Tensor:
    """The latents (B, L, D) of operations that are alike.

    Args:
        bases: the latents (B, L, D) of each of the operations within them.
    """
    space = parts.generator.latent_space
    match some[0]:
        case SampleLatents():
            return sampled(parts, some)
        case PhotoLatents():
            return sampled_by_photo(parts, some)
        case RandomLatents():
            seeds, labels = [o.seed for o in some], [o.class_label for o in some]
            return space.expand(random_latents(parts.generator, seeds, labels))
        case GivenLatents():
            return torch.cat([
                space.expand(o.tensor()[None].to(parts.generator.device), o.repeats) for o in some
            ])  # fmt: skip
        case Interpolate(path="prior"):
            return between(parts, some)
        case Interpolate(path=path):
            at = torch.tensor([o.at for o in some], device=bases[0].device)[:, None, None]
            return (slerp if path == "slerp" else torch.lerp)(bases[0], bases[1], at)
        case Mix():
            rows = zip(some, *bases, strict=True)
            return torch.stack([mixed(parts.generator, b, o, m.layers, m.share)
                                for m, b, o in rows])  # fmt: skip
        case Vary():
            return varied(parts, some, bases[0])
        case Direct():
            strengths = torch.tensor([o.strength for o in some], device=bases[0].device)
            return bases[0] + strengths[:, None, None] * bases[1]
    raise AssertionError(some[0])
