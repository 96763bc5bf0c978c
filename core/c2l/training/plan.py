"""The plan of a training run: everything that its weights depend on, fixed before it starts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from c2l.devices import resolve_device
from c2l.pairs import PairsManifest
from c2l.pairs.reader import MOST_IN_MEMORY
from c2l.prior import Prior
from c2l.prompts.domains import Domain
from c2l.training.run import TrainingRun

BATCH_SIZES = {"cpu": 256}
LARGER_BATCH = 1024
"""On accelerators, where a small network is as fast for 1,024 pairs as for 256."""
LEARNING_RATE = 1e-3
MOST_HELD_OUT = 2048
MOST_IN_WINDOW = 2**26
"""Bytes of a window as it is stored: 21,800 pairs of 512 + 512 numbers. Two are in memory."""
MOST_IN_SAMPLE = 2**28
"""Bytes of what is looked at once training is over, and the windows are gone."""


@dataclass(frozen=True)
class TrainingPlan:
    """Two runs of one plan give the same weights, however often they are interrupted.

    Args:
        kind, settings: the prior.
        pairs: fingerprint of the pairs.
        num_pairs: to train on.
        num_held_out: to validate on, the last ones.
        prompts: digest of the prompts that ``Prior.fit`` gets; empty for none.
        steps, batch_size, learning_rate, weight_decay, warmup, ema, seed: as usual.
        validate_every: steps between two validations.
        patience: validations without a new best before the run ends.
        window: pairs in memory at once; all of them where they fit. As many of the first, and
            4,096 at least, are what a prior is fitted with.
        sample: the first pairs, which a prior without steps is fitted with, and which all others
            are distilled with and compared with; all of them where they fit.
        micro_batches: in how many parts each batch is computed, whoever computes them. With one, a
            process uses all its threads. With several, gradients are summed in one order and each
            process uses one thread, so that the weights do not depend on the number of processes.
        fast: processes sum their gradients in whatever order is fastest.
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
    window: int
    sample: int
    micro_batches: int = 1
    fast: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to zero."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))

    def ema_at(self, step: int) -> float:
        """The decay of the moving average: shorter early on, while the weights change fast."""
        return min(self.ema, (1 + step) / (10 + step))

    def validates_at(self, step: int) -> bool:
        """Whether there is a validation after step ``step``."""
        return step % self.validate_every == 0 or step == self.steps


def make_plan(
    run: TrainingRun, prior: Prior, manifest: PairsManifest, domain: Domain | None
) -> TrainingPlan:
    """The plan of a run; what the run leaves open depends on the number of pairs.

    Args:
        domain: the prompts that ``prior.fit`` gets; None for none.
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
        # Twenty make a curve; long runs get more, so that stopping early wastes little.
        validate_every=min(500, max(20, steps // 20)),
        patience=run.patience,
        window=_affordable(manifest, num_pairs, MOST_IN_WINDOW),
        sample=_affordable(manifest, num_pairs, MOST_IN_SAMPLE),
        micro_batches=run.parts_of_a_batch,
        fast=run.fast,
    )


def _affordable(manifest: PairsManifest, num_pairs: int, size: int) -> int:
    """How many pairs there may be in memory: all that are trained on, or some shards full.

    Args:
        size: in bytes, of these shards.
    """
    latent = manifest.num_codes * manifest.latent_width
    if manifest.num * 4 * (manifest.embedding_width + latent) <= MOST_IN_MEMORY:
        return num_pairs
    shards = size // (2 * manifest.embedding_width + 4 * latent) // manifest.shard_size
    return min(num_pairs, max(1, shards) * manifest.shard_size)


def usual_steps(num_pairs: int) -> int:
    """How many steps suit a number of pairs: 10,000 for 100,000, growing with its square root."""
    return max(300, round(1000 * (num_pairs / 1000) ** 0.5))


def held_out(num: int) -> int:
    """How many of ``num`` pairs are held out: a twentieth, at most 2,048."""
    return min(MOST_HELD_OUT, num // 20)
