"""The laws of sampling latents from a prior."""

from __future__ import annotations

from typing import Any

import torch

from c2l.conformance.law import require
from c2l.conformance.laws.common import (
    BATCHES,
    EIGHT_SEEDS,
    LARGE_SEEDS,
    nothing_shared_changes,
    refuses,
    require_distinct,
    require_near,
    require_tensor,
)
from c2l.conformance.subjects import PriorSubject
from c2l.conformance.uses import SEEDS, some_embeddings
from c2l.prior import Prior


def latents_have_their_shape(subject: PriorSubject) -> None:
    """float32 (B, K, D), finite, one for each embedding."""
    prior = subject.part
    for num in (3, 1):
        drawn = prior.sample(some_embeddings(prior, num), seeds=SEEDS[:num])
        require_tensor(drawn, latents_shape(prior, num), prior, "latents")


def sampling_leaves_the_process_alone(subject: PriorSubject) -> None:
    """Nothing that others see changes: random state, dtype, threads, whether gradients are kept."""
    prior = subject.part
    with nothing_shared_changes():
        prior.sample(some_embeddings(prior, 3), seeds=SEEDS)


def sampling_leaves_its_embeddings_alone(subject: PriorSubject) -> None:
    """The embeddings that it is given are the caller's, who ranks pictures with them."""
    prior = subject.part
    asked = some_embeddings(prior, 3)
    kept = asked.clone()
    prior.sample(asked, seeds=SEEDS)
    require(torch.equal(asked, kept), "`_sample` writes to its embeddings", "copy them first")


def sampling_again_gives_the_same_latents(subject: PriorSubject) -> None:
    """All its randomness comes from the seeds, so that a picture can be drawn again."""
    prior = subject.part
    asked = some_embeddings(prior, 3)
    first = prior.sample(asked, seeds=SEEDS)
    again = prior.sample(asked, seeds=SEEDS)
    require_near(again, first, "seeds give other latents the next time", "see c2l.SeededNormal")


def a_latent_is_the_same_in_any_batch(subject: PriorSubject) -> None:
    """It depends on its own embedding and seed alone: the same in a batch of 1, 3 or 8."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    together = prior.sample(asked, seeds=EIGHT_SEEDS)
    for size in BATCHES:
        rows = prior.sample(asked[-size:], seeds=EIGHT_SEEDS[-size:])
        require_near(
            rows,
            together[-size:],
            f"a latent changes in a batch of {size}",
            "draw row i from seeds[i] alone; see c2l.SeededNormal",
        )


def no_embeddings_give_no_latents(subject: PriorSubject) -> None:
    """(0, K, D): a request whose pictures are all there asks for none."""
    prior = subject.part
    drawn = prior.sample(some_embeddings(prior, 0), seeds=[])
    require_tensor(drawn, latents_shape(prior, 0), prior, "no latents")


def every_seed_has_a_stream_of_its_own(subject: PriorSubject) -> None:
    """All of 0 to 2**64 - 1 are accepted, and none stands for another."""
    embedding = some_embeddings(subject.part, 1).expand(16, -1)
    # Sixteen at a time: a prior that picks among few latents may draw one of them twice.
    drawn = [
        subject.part.sample(embedding, seeds=[first ^ low for low in range(16)])
        for first in LARGE_SEEDS
    ]
    require_distinct(
        drawn,
        lambda i, j: f"seeds near {LARGE_SEEDS[i]} draw as those near {LARGE_SEEDS[j]}",
        "see c2l.SeededNormal",
    )


def the_embedding_decides(subject: PriorSubject) -> None:
    """Other embeddings give other latents, from the same seeds."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    same = torch.equal(
        prior.sample(asked, seeds=EIGHT_SEEDS), prior.sample(-asked, seeds=EIGHT_SEEDS)
    )
    require(not same, "opposite embeddings give the same latents")


def what_cannot_be_asked_is_refused(subject: PriorSubject) -> None:
    """With ``BadInput``: other widths, NaN, too few seeds, options out of range."""
    prior = subject.part
    two = some_embeddings(prior, 2)
    wide = torch.zeros(2, two.shape[1] + 1)
    for what, asked, options in (
        ("an embedding of another width", wide, {}),
        ("an embedding that is NaN", two * torch.nan, {}),
        ("a lacking seed", two, {"seeds": [0]}),
        ("a seed below 0", two, {"seeds": [0, -1]}),
        ("a guidance that is NaN", two, {"guidance": float("nan")}),
        ("no steps", two, {"steps": 0}),
        ("an adherence above 1", two, {"adherence": 1.5}),
        ("a negative embedding of another width", two, {"negative": wide}),
    ):
        keywords: dict[str, Any] = {"seeds": [0, 1], **options}
        refuses(lambda a=asked, k=keywords: prior.sample(a, **k), what)  # type: ignore[misc]


def latents_shape(prior: Prior, num: int) -> tuple[int, ...]:
    """(B, K, D) of this many latents."""
    return num, prior.config.num_codes, prior.config.latent_width
