"""Everything that decides the weights of a training run, fixed before it starts."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from c2l.errors import BadInput, UnknownReference
from c2l.pairs import Pairs
from c2l.plugins import registry
from c2l.prior import Prior

BATCH_SIZE = 256
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class TrainingPlan:
    """A run: two runs of one plan give the same weights, however often they are interrupted.

    Args:
        kind, settings: the prior.
        pairs: fingerprint of the pairs.
        num_pairs: those trained on.
        num_held_out: those left aside, the last ones.
        steps, batch_size, learning_rate, weight_decay, warmup, ema, seed: as usual.
    """

    kind: str
    settings: Mapping[str, Any]
    pairs: str
    num_pairs: int
    num_held_out: int
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: int
    ema: float
    seed: int

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to zero."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))

    def ema_at(self, step: int) -> float:
        """The decay of the average: short while the weights still move fast."""
        return min(self.ema, (1 + step) / (10 + step))


def make_plan(
    prior: Prior,
    kind: str,
    pairs: Pairs,
    *,
    steps: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    seed: int,
) -> TrainingPlan:
    """The plan of a run; what is None follows from the number of pairs.

    Raises:
        BadInput: a number that cannot be used.
    """
    for name, value in (("steps", steps), ("batch-size", batch_size)):
        if value is not None and value < 1:
            raise BadInput(f"--{name} {value} trains nothing", hint=f"Use --{name} 1 or more")
    if learning_rate is not None and not 0 < learning_rate < 1:
        raise BadInput(f"a learning rate of {learning_rate}", hint="Use one near 0.001")
    if seed < 0:
        raise BadInput("seeds are 0 or more", hint="Use --seed 0 or more")
    num_held_out = min(2048, len(pairs) // 20)
    num_pairs = len(pairs) - num_held_out
    if not prior.trains_by_gradient:
        steps = 0
    elif steps is None:
        # 100,000 pairs get 10,000 steps, a quarter of them half of that.
        steps = max(300, round(1000 * (num_pairs / 1000) ** 0.5))
    return TrainingPlan(
        kind=kind,
        settings=dict(prior.settings()),
        pairs=pairs.manifest.fingerprint(),
        num_pairs=num_pairs,
        num_held_out=num_held_out,
        steps=steps,
        batch_size=batch_size or BATCH_SIZE,
        learning_rate=learning_rate or LEARNING_RATE,
        weight_decay=0.01,
        warmup=min(200, math.ceil(steps / 10)),
        ema=0.998,
        seed=seed,
    )


def new_prior(kind: str, pairs: Pairs, settings: Mapping[str, Any], seed: int) -> Prior:
    """An untrained prior for pairs, on the CPU; its first weights depend on ``seed`` alone.

    Raises:
        UnknownReference, PluginFailed: no plugin provides the kind.
        BadInput: the kind has no such setting.
    """
    cls = _prior_class(kind)
    manifest = pairs.manifest
    widths = {
        "embedding_width": manifest.embedding_width,
        "num_codes": manifest.num_codes,
        "latent_width": manifest.latent_width,
    }
    known = set(inspect.signature(cls).parameters) - set(widths)
    unknown = sorted(set(settings) - known)
    if unknown:
        raise BadInput(
            f"the prior {kind} has no setting '{unknown[0]}'",
            hint=f"It has {', '.join(sorted(known))}",
        )
    suggested = cls.suggest_settings(len(pairs), **widths)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return cls(**{**widths, **suggested, **settings})


def _prior_class(kind: str) -> type[Prior]:
    kinds = registry().kinds("prior")
    if kind not in kinds:
        interface = registry().entry(kind).interface  # raises, with a hint, for unknown kinds
        raise UnknownReference(
            f"{kind} is a kind of {interface}, not of prior",
            hint=f"Use --prior {', '.join(kinds)}",
        )
    cls = registry().factory(kinds[kind])
    if not issubclass(cls, Prior):
        raise UnknownReference(
            f"the class of kind {kind} is no prior", hint="Its plugin must subclass c2l.Prior"
        )
    return cls
