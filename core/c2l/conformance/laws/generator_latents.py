"""The laws of the latents that a generator samples."""

from __future__ import annotations

from torch import Tensor

from c2l.conformance.law import require
from c2l.conformance.laws.common import (
    EIGHT_SEEDS,
    LARGE_SEEDS,
    nothing_shared_changes,
    refuses,
    require_distinct,
    require_near,
    require_tensor,
)
from c2l.conformance.subjects import Subject
from c2l.conformance.uses import SEEDS
from c2l.generator import Generator

Generators = Subject[Generator]


def latents_have_their_shape(subject: Generators) -> None:
    """float32 (B, K, D), finite, one row for each seed, for any sequence of seeds."""
    space = subject.part.latent_space
    for seeds in (list(SEEDS), SEEDS[:1], range(4)):
        latents = subject.part.sample_latents(seeds)
        shape = (len(seeds), space.num_codes, space.width)
        require_tensor(latents, shape, subject.part, "latents")


def sampling_leaves_the_process_alone(subject: Generators) -> None:
    """Nothing that others see changes: random state, dtype, threads, whether gradients are kept."""
    with nothing_shared_changes():
        subject.part.sample_latents(SEEDS)


def a_latent_depends_on_its_seed_alone(subject: Generators) -> None:
    """It is the same in any batch, in any order, and asked for again: a seed is a picture's."""
    sample = subject.part.sample_latents
    together = sample(EIGHT_SEEDS)
    require_near(
        sample(EIGHT_SEEDS), together, "seeds give other latents the next time", "seed every row"
    )
    for row, seed in enumerate(EIGHT_SEEDS):
        require_near(
            sample([seed])[0],
            together[row],
            f"seed {seed} gives another latent in another batch",
            "draw row i from seeds[i] alone; see c2l.draw_normal",
        )


def every_seed_has_a_latent_of_its_own(subject: Generators) -> None:
    """All of 0 to 2**64 - 1 are accepted, and none stands for another."""
    seeds = [*SEEDS, *LARGE_SEEDS]
    require_distinct(
        list(subject.part.sample_latents(seeds)),
        lambda i, j: f"seeds {seeds[i]} and {seeds[j]} give one latent",
        "see c2l.draw_normal",
    )


def what_is_no_seed_is_refused(subject: Generators) -> None:
    """With ``BadInput``: -1 is not 2**64 - 1, and 2**64 is not 0."""
    refuses(lambda: subject.part.sample_latents([-1]), "a seed below 0")
    refuses(lambda: subject.part.sample_latents([2**64]), "a seed of 2**64")


def latents_have_the_mean_of_their_space(subject: Generators) -> None:
    """``mean`` is that of ``sample_latents``: truncation pulls there, and priors start there."""
    space, latents = subject.part.latent_space, _many_latents(subject)
    scale = _spread(latents)
    away = float((latents.mean(dim=0) - space.mean).square().mean().sqrt() / scale)
    require(away < 0.3, f"the mean of latents is {away:.2g} deviations from `mean`", "measure it")


def latents_have_the_deviation_of_their_space(subject: Generators) -> None:
    """``std`` is that of ``sample_latents``: optimising takes its steps by it."""
    space = subject.part.latent_space
    ratio = float(space.std.square().mean().sqrt() / _spread(_many_latents(subject)))
    require(
        0.8 < ratio < 1.25, f"`std` is {ratio:.2g} times the deviation of latents", "measure it"
    )


def _many_latents(subject: Generators) -> Tensor:
    return subject.part.sample_latents(range(1000))


def _spread(latents: Tensor) -> Tensor:
    return latents.std(dim=0).square().mean().sqrt()
