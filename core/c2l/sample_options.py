"""The options of sampling from a prior: one frozen value, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from c2l.errors import BadInput
from c2l.ranges import Adherence, Guidance, Seed, Steps
from c2l_registry.wording import describe_problem

Modality = Literal["text", "image"]
"""What was embedded. Embeddings of texts and of images lie apart: the modality gap (Liang et al.
2022, arXiv 2203.02053)."""

OPTIONAL = frozenset({"guidance", "steps", "adherence", "negative"})
"""The fields of ``SampleOptions`` that a prior need not support."""

_RANGES: Mapping[str, TypeAdapter[Any]] = {
    "seeds": TypeAdapter(tuple[Seed, ...]),
    "guidance": TypeAdapter(Guidance | None),
    "steps": TypeAdapter(Steps | None),
    "adherence": TypeAdapter(Adherence | None),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleOptions:
    """Options of ``Prior.sample``; None leaves a value to the prior.

    Args:
        seeds: B whole numbers from 0 to 2**64 - 1; row i depends only on its embedding and
            ``seeds[i]``. A list, a range or an integer array; kept as a tuple.
        guidance: strength of classifier-free guidance, 0 to 100; 1 is none.
        steps: evaluations of the network, 1 or more.
        adherence: how literally to take the embedding, from 0 (its neighbourhood) to 1 (the
            point).
        negative: embeddings to stay away from, under guidance, float32, (B, E).
        modality: whether the embeddings are of texts or of images.
    Raises:
        BadInput: a value is out of range; it names the first one.
    """

    seeds: Sequence[int]
    guidance: float | None = None
    steps: int | None = None
    adherence: float | None = None
    negative: Tensor | None = None
    modality: Modality = "text"

    def __post_init__(self) -> None:
        # The numbers in arrays and tensors are not Python's own.
        seeds = self.seeds.tolist() if hasattr(self.seeds, "tolist") else self.seeds
        if isinstance(seeds, Iterable):
            object.__setattr__(self, "seeds", tuple(seeds))
        for name, adapter in _RANGES.items():
            value = getattr(self, name)
            try:
                adapter.validate_python(value, strict=True)
            except ValidationError as error:
                problem = error.errors(include_url=False)[0]
                given = problem["input"]
                raise BadInput(
                    f"`{name}={given}` is {describe_problem(problem)}",
                    hint=_HINTS[name],
                    field=name,
                ) from error
        if self.modality not in get_args(Modality):
            raise BadInput(
                f"`modality={self.modality!r}` is neither text nor image", field="modality"
            )


_HINTS = {
    "seeds": "Seeds are whole numbers from 0 to 2**64 - 1",
    "guidance": "Use `guidance` from 0 to 100",
    "steps": "Use `steps=1` or more",
    "adherence": "Use `adherence` from 0 to 1",
}
