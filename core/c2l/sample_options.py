"""The options of sampling from a prior: one frozen value, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from c2l.blending import blend_embeddings, slerp
from c2l.errors import BadInput
from c2l.ranges import MOST_GUIDANCE, Adherence, Guidance, Seed, Share, Steps, Weight
from c2l.seeds import NormalBetween, SeededNormal
from c2l_registry.wording import describe_problem

Modality = Literal["text", "image"]
"""What was embedded. Embeddings of texts and of images lie apart: the modality gap (Liang et al.
2022, arXiv 2203.02053)."""

NegativeBy = Literal["embedding", "guidance"]
"""How a prior stays away from negative prompts. ``embedding`` moves the embedding away from them
before the first step, at no cost; ``guidance`` guides away from them at every step."""

USUAL = frozenset({"guidance", "steps", "adherence", "negative", "negative_by"})
"""The optional fields of ``SampleOptions`` that a prior supports unless it says otherwise."""

OPTIONAL = USUAL | {"towards", "near"}
"""The fields of ``SampleOptions`` that a prior need not support."""

HINTS: Mapping[str, str] = {
    "seeds": "Seeds are whole numbers from 0 to 2**64 - 1",
    "guidance": f"Use `guidance` from 0 to {MOST_GUIDANCE}",
    "steps": "Use `steps=1` or more",
    "adherence": "Use `adherence` from 0 to 1",
    "negative_weights": "Use weights above 0",
    "negative_by": "Use `negative_by=embedding` or `negative_by=guidance`",
    "at": "Use `at` from 0, the start, to 1, the end",
    "amount": "Use `amount` from 0, the same, to 1, another one",
}
"""What to do about a value out of range."""

_RANGES: Mapping[str, TypeAdapter[Any]] = {
    "seeds": TypeAdapter(tuple[Seed, ...]),
    "guidance": TypeAdapter(Guidance | None),
    "steps": TypeAdapter(Steps | None),
    "adherence": TypeAdapter(Adherence | None),
    "negative_weights": TypeAdapter(tuple[Weight, ...]),
    "negative_by": TypeAdapter(NegativeBy | None),
}


_WAYS: Mapping[str, TypeAdapter[Any]] = {
    "seeds": _RANGES["seeds"],
    "at": TypeAdapter(tuple[Share, ...]),
    "amount": TypeAdapter(Share),
}


@dataclass(frozen=True, eq=False)
class Towards:
    """A second end for each sample: what is drawn lies somewhere between the two.

    Both embedding and noise are interpolated, so every point in between is a proper sample.

    Args:
        embeddings: of the other ends, float32, (B, E).
        seeds: of the other ends, B.
        at: B numbers from 0, the sample itself, to 1, the other end.
        modality: what was embedded at the other ends; None if the same as at these.
    Raises:
        BadInput: a value is out of range.
    """

    embeddings: Tensor
    seeds: Sequence[int]
    at: Sequence[float]
    modality: Modality | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "at"):
            object.__setattr__(self, name, _as_tuple(getattr(self, name)))
        _check(self, ("seeds", "at"), _WAYS)

    def on_the_way(self, start: Tensor) -> Tensor:
        """Embeddings (B, E) on the arc from ``start`` (B, E), each as far as it should be."""
        at = torch.tensor(self.at, dtype=start.dtype, device=start.device)[:, None]
        return slerp(start, self.embeddings.to(start.device), at)


@dataclass(frozen=True, eq=False)
class Near:
    """Latents to stay near: noise is added to them, and sampling continues from there.

    Args:
        latents: float32, (B, K, D), not standardised.
        amount: how much noise, from 0, which leaves them as they are, to 1, which forgets them.
    Raises:
        BadInput: a value is out of range.
    """

    latents: Tensor
    amount: float

    def __post_init__(self) -> None:
        _check(self, ("amount",), _WAYS)


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
        negative: embeddings of texts to stay away from, float32, (B, E), or (B, M, E) for M at
            once. ``_sample`` gets (B, M, E).
        negative_weights: M numbers above 0, how strongly to stay away from each; empty for 1 each.
        negative_by: how to stay away from them, see ``NegativeBy``.
        modality: whether the embeddings are of texts or of images.
        towards: a second end for each sample, to sample a point between the two.
        near: latents whose neighbours to sample.
        classes: B numbers of the generator's classes, for priors that learnt them; None lets the
            embedding choose. Other priors ignore them.
    Raises:
        BadInput: a value is out of range; it names the first one.
    """

    seeds: Sequence[int]
    guidance: float | None = None
    steps: int | None = None
    adherence: float | None = None
    negative: Tensor | None = None
    negative_weights: Sequence[float] = ()
    negative_by: NegativeBy | None = None
    modality: Modality = "text"
    towards: Towards | None = None
    near: Near | None = None
    classes: Sequence[int] | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "negative_weights"):
            object.__setattr__(self, name, _as_tuple(getattr(self, name)))
        if self.classes is not None:
            object.__setattr__(self, "classes", _as_tuple(self.classes))
        _check(self, _RANGES, _RANGES)
        if self.modality not in get_args(Modality):
            raise BadInput(
                f"`modality={self.modality!r}` is neither text nor image", field="modality"
            )

    def normal(self, device: torch.device) -> SeededNormal | NormalBetween:
        """The random numbers of the samples, a stream for each: on the way, if there is one."""
        if self.towards is None:
            return SeededNormal(self.seeds, device)
        return NormalBetween(self.seeds, self.towards.seeds, self.towards.at, device)

    @property
    def negative_scale(self) -> Tensor:
        """The weights of ``negative`` (B, M, E): float32, (M,)."""
        assert self.negative is not None
        weights = self.negative_weights or [1.0] * self.negative.shape[1]
        return torch.tensor(weights, device=self.negative.device)

    @property
    def blended_negative(self) -> Tensor:
        """``negative`` (B, M, E) as one embedding (B, E) for each sample."""
        assert self.negative is not None
        return blend_embeddings(self.negative, self.negative_scale)


def _check(given: object, names: Iterable[str], ranges: Mapping[str, TypeAdapter[Any]]) -> None:
    """Raises ``BadInput`` for the first value that is out of its range."""
    for name in names:
        try:
            ranges[name].validate_python(getattr(given, name), strict=True)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise BadInput(
                f"`{name}={problem['input']}` is {describe_problem(problem)}",
                hint=HINTS[name],
                field=name,
            ) from error


def _as_tuple(value: Any) -> Any:
    """A list, an array or an iterator as a tuple; anything else unchanged, to be refused."""
    if hasattr(value, "tolist"):  # the numbers in arrays and tensors are not Python's own
        value = value.tolist()
    return tuple(value) if isinstance(value, Iterable) else value
