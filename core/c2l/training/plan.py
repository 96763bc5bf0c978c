"""Everything that decides the weights of a training run, fixed before it starts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from c2l.devices import resolve_device
from c2l.pairs import PairsManifest
from c2l.prior import Prior
from c2l.prompts.domains import Domain
from c2l.training.run import TrainingRun

BATCH_SIZES = {"cpu": 256}
LARGER_BATCH = 1024
"""On an accelerator, where a small network takes as long for 1,024 pairs as for 256."""
LEARNING_RATE = 1e-3
MOST_HELD_OUT = 2048


@dataclass(frozen=True)
class TrainingPlan:
    """A run: two runs of one plan give the same weights, however often they are interrupted.

    Args:
        kind, settings: the prior.
        pairs: fingerprint of the pairs.
        num_pairs: those trained on.
        num_held_out: those left aside, the last ones.
        prompts: digest of the prompts that ``Prior.fit`` is shown; empty where it sees none.
        steps, batch_size, learning_rate, weight_decay, warmup, ema, seed: as usual.
        validate_every: steps between two looks at the pairs left aside.
        patience: how many looks without a new best end the run.
    """

    kind: str
    settings: Mapping[str, Any]
    pairs: str
    num_pairs: int
    num_held_out: int
    prompts: str
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: int
    ema: float
    seed: int
    validate_every: int
    patience: int

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

    def validates_at(self, step: int) -> bool:
        """Whether step ``step``, once done, is followed by a look at the pairs left aside."""
        return step % self.validate_every == 0 or step == self.steps


def make_plan(
    run: TrainingRun, prior: Prior, manifest: PairsManifest, domain: Domain | None
) -> TrainingPlan:
    """The plan of a run; what the run leaves open follows from the number of pairs.

    Args:
        domain: the prompts that ``prior.fit`` is shown, if any.
    """
    num_held_out = held_out(manifest.num)
    num_pairs = manifest.num - num_held_out
    steps = 0
    if prior.trains_by_gradient:
        steps = run.steps or usual_steps(num_pairs)
    return TrainingPlan(
        kind=run.prior,
        settings=dict(prior.settings()),
        pairs=manifest.fingerprint(),
        num_pairs=num_pairs,
        num_held_out=num_held_out,
        prompts=domain.digest() if domain else "",
        steps=steps,
        batch_size=run.batch_size or BATCH_SIZES.get(resolve_device(run.device).type, LARGER_BATCH),
        learning_rate=run.learning_rate or LEARNING_RATE,
        weight_decay=0.01,
        warmup=min(200, math.ceil(steps / 10)),
        ema=0.998,
        seed=run.seed,
        # Twenty looks tell a curve; long runs get more, so that a stop wastes little.
        validate_every=min(500, max(20, steps // 20)),
        patience=run.patience,
    )


def usual_steps(num_pairs: int) -> int:
    """How many steps suit so many pairs: 10,000 for 100,000, half of that for a quarter of them."""
    return max(300, round(1000 * (num_pairs / 1000) ** 0.5))


def held_out(num: int) -> int:
    """How many of ``num`` pairs are left aside: a twentieth, at most 2,048."""
    return min(MOST_HELD_OUT, num // 20)
