"""A world so small that every prior learns it in seconds, and so simple that it is known if it did.

A latent and its embedding are fixed projections of a few normal numbers, with a little noise. How
near a prior comes to the latent of an embedding can be told. The signs of two of those numbers are
its class, for priors that learn classes.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import torch
from torch import Tensor

from c2l.adam import AdamW
from c2l.prior import Prior
from c2l.seeds import draw_normal

NUM_PAIRS = 512
NUM_ASKED = 64
NUM_FACTORS = 6
NUM_CLASSES = 4
WIDTHS: Final = {"embedding_width": 24, "num_codes": 2, "latent_width": 16}
SHAPE = (WIDTHS["num_codes"], WIDTHS["latent_width"])

LEARNT = 0.3
"""Of the way from any latent to the right one; the plainest bundled prior comes to twice that."""

OBEYED = 0.5
"""Of latents that are told a class; by chance a quarter is of it."""

_MEAN, _STD, _NOISE = 2.0, 0.5, 0.05
_ROUNDS, _STEPS, _BATCH, _RATE = 8, 100, 128, 3e-3


def pairs(first_seed: int = 0, num: int = NUM_PAIRS) -> tuple[Tensor, Tensor]:
    """Embeddings (N, E) and latents (N, K, D), for whoever writes to them."""
    embeddings, latents = _pairs(first_seed, num)
    return embeddings.clone(), latents.clone()


def classes() -> Tensor:
    """Of the pairs, int64, (N,)."""
    factors, _ = _drawn(0, NUM_PAIRS)
    return (factors[:, 0] > 0).long() + 2 * (factors[:, 1] > 0).long()


def _drawn(first_seed: int, num: int) -> tuple[Tensor, Tensor]:
    """Factors and noise of pairs."""
    drawn = draw_normal(
        range(first_seed, first_seed + num), NUM_FACTORS + WIDTHS["embedding_width"]
    )
    return drawn[:, :NUM_FACTORS], drawn[:, NUM_FACTORS:]


@functools.cache
def _pairs(first_seed: int, num: int) -> tuple[Tensor, Tensor]:
    width = WIDTHS["embedding_width"]
    factors, noise = _drawn(first_seed, num)
    embeddings = factors @ _projection(1, width) + _NOISE * noise
    latents = _MEAN + _STD * factors @ _projection(2, SHAPE[0] * SHAPE[1])
    return embeddings, latents.unflatten(1, SHAPE)


def _projection(number: int, width: int) -> Tensor:
    """Of the factors, so that every number has a deviation of about 1."""
    rows = draw_normal(range(10**6 * number, 10**6 * number + NUM_FACTORS), width)
    return rows / NUM_FACTORS**0.5


def train(prior: Prior) -> Prior:
    """Fit a prior and, where it learns by gradient, take steps as ``c2l train`` does.

    Most learn within the first hundred; slower ones are given more.
    """
    embeddings, latents = pairs()
    embeddings = prior.labelled(embeddings, classes())
    prior.fit(embeddings, latents)
    if prior.trains_by_gradient:
        rng = torch.Generator().manual_seed(0)
        optimiser = AdamW(prior.parameters(), lr=_RATE)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for _ in range(_ROUNDS):
                prior.train().requires_grad_(True)
                for _ in range(_STEPS):
                    rows = torch.randint(NUM_PAIRS, (_BATCH,), generator=rng)
                    optimiser.zero_grad()
                    prior.training_loss(embeddings[rows], latents[rows], rng).backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
                if _has_learnt(prior.eval().requires_grad_(False)):
                    break
    return prior.eval().requires_grad_(False)


def _has_learnt(prior: Prior) -> bool:
    try:
        return nearness(prior) > LEARNT and (
            not prior.config.num_classes or obedience(prior) > OBEYED
        )
    except Exception:
        return True  # what is wrong with its samples is the matter of other laws


def nearness(prior: Prior) -> float:
    """How near a prior comes to latents it has not seen: 1 is there, 0 is any other latent."""
    embeddings, wanted = pairs(NUM_PAIRS, NUM_ASKED)
    drawn = prior.sample(embeddings, seeds=range(NUM_ASKED), modality="image")
    own = (drawn - wanted).square().mean()
    other = (drawn - wanted.roll(1, 0)).square().mean()
    return float(1 - (own / other).sqrt())


def obedience(prior: Prior) -> float:
    """The share of latents that are of the class that a prior is told, over all classes."""
    embeddings, _ = pairs(NUM_PAIRS, NUM_ASKED)
    own, latents = classes(), pairs()[1].flatten(1)
    means = torch.stack([latents[own == number].mean(dim=0) for number in range(NUM_CLASSES)])
    obeyed = []
    for number in range(NUM_CLASSES):
        told: dict[str, Any] = {
            "seeds": range(NUM_ASKED),
            "classes": [number] * NUM_ASKED,
            "modality": "image",
        }
        drawn = prior.sample(embeddings, **told).flatten(1).cpu()
        obeyed.append(torch.cdist(drawn, means).argmin(dim=1) == number)
    return float(torch.cat(obeyed).float().mean())
