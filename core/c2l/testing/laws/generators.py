"""The laws of generators."""

from __future__ import annotations

import torch
from torch import Tensor

from c2l.generator import Generator
from c2l.testing.laws.common import (
    BATCHES,
    LARGE_SEEDS,
    SEEDS,
    Law,
    nothing_shared_changes,
    refuses,
    require,
    require_near,
    require_tensor,
    the_fingerprint_is_that_of_the_weights,
)

WIDEST = 50.0
"""An untrained network overshoots [-1, 1] many times; values of 0 to 255 are another mistake."""


def latents_are_those_of_the_latent_space(generator: Generator) -> None:
    """Shape, dtype and device; mean and deviation are near what ``latent_space`` says."""
    space = generator.latent_space
    shape = (space.num_codes, space.width)
    require(len(space.repeats) == space.num_codes, "there is one repeat for each code")
    require(min(space.repeats) >= 1, "every code feeds one layer or more")
    for statistic, name in ((space.mean, "the means"), (space.std, "the deviations")):
        require_tensor(statistic, shape, generator, name)
    latents = generator.sample_latents(range(1000))
    require_tensor(latents, (1000, *shape), generator, "latents")
    # Statistics of a thousand latents, against numbers that may be an estimate of their own.
    scale = latents.std(dim=0).square().mean().sqrt()
    away = (latents.mean(dim=0) - space.mean).square().mean().sqrt() / scale
    require(bool(away < 0.3), f"the mean of latents is {float(away):.2g} deviations from `mean`")
    ratio = float(space.std.square().mean().sqrt() / scale)
    require(0.8 < ratio < 1.25, f"`std` is {ratio:.2g} times the deviation of latents")


def a_latent_depends_on_its_seed_alone(generator: Generator) -> None:
    """Whatever seeds are drawn beside it, and in whatever order."""
    together = generator.sample_latents(SEEDS)
    for row, seed in enumerate(SEEDS):
        alone = generator.sample_latents([seed])
        require_near(alone[0], together[row], f"the latent of seed {seed} depends on its batch")


def every_seed_has_a_latent_of_its_own(generator: Generator) -> None:
    """All of 0 to 2**64 - 1 are accepted, and none repeats another."""
    latents = generator.sample_latents(LARGE_SEEDS).flatten(1)
    for i, first in enumerate(LARGE_SEEDS):
        for j in range(i):
            require(
                not torch.equal(latents[i], latents[j]),
                f"seeds {first} and {LARGE_SEEDS[j]} give one latent; see c2l.draw_normal",
            )
    refuses(lambda: generator.sample_latents([-1]), "a seed below 0")
    refuses(lambda: generator.sample_latents([2**64]), "a seed of 2**64")


def pictures_have_their_shape_and_range(generator: Generator) -> None:
    """float32 (B, 3, H, W), around zero and about as wide as [-1, 1]."""
    images = generator.synthesize(generator.sample_latents(SEEDS))
    require_tensor(images, (len(SEEDS), 3, *generator.image_size), generator, "pictures")
    lowest, highest = float(images.min()), float(images.max())
    span = f"pixels run from {lowest:.3g} to {highest:.3g}; they should from -1 to 1"
    require(lowest < 0 and max(-lowest, highest) < WIDEST, span)
    require(bool((images[1:] != images[:1]).any()), "all latents give one picture")


def a_picture_is_the_same_in_any_batch(generator: Generator) -> None:
    """Of 1, 3 or 8, and with other pictures around it."""
    latents = generator.sample_latents(SEEDS)
    together = generator.synthesize(latents)
    for size in BATCHES:
        part = generator.synthesize(latents[-size:])
        require_near(part, together[-size:], f"a picture changes in a batch of {size}")


def truncation_pulls_latents_to_their_mean(generator: Generator) -> None:
    """0 gives the mean's picture, 1 the latent's, and one half that of the point between."""
    latents = generator.sample_latents(SEEDS[:2])
    mean = generator.latent_space.mean.expand_as(latents)
    for truncation in (0.0, 0.5, 1.0):
        drawn = generator.synthesize(latents, truncation=truncation)
        wanted = generator.synthesize(torch.lerp(mean, latents, truncation))
        require_near(drawn, wanted, f"truncation {truncation} is not a way to the mean")


def latents_are_spread_over_the_layers(generator: Generator) -> None:
    """One code feeds all layers; groups and one code for each layer say the same in more words."""
    num_layers = generator.latent_space.num_layers
    one, other = (generator.sample_latents([seed])[:, :1] for seed in (3, 4))
    single = generator.synthesize(one)
    full = generator.synthesize(one.repeat(1, num_layers, 1))
    require_near(full, single, f"K = 1 and K = {num_layers} draw two pictures of one code")
    repeated = generator.synthesize(one, repeats=(num_layers,))
    require_near(repeated, single, f"repeats of ({num_layers},) change the picture of one code")
    for first in sorted({1, num_layers // 2, num_layers - 1}.intersection(range(1, num_layers))):
        repeats = (first, num_layers - first)
        groups = generator.synthesize(torch.cat([one, other], dim=1), repeats=repeats)
        codes = [one.repeat(1, repeats[0], 1), other.repeat(1, repeats[1], 1)]
        layers = generator.synthesize(torch.cat(codes, dim=1))
        require_near(groups, layers, f"groups of {repeats} layers are not their codes, repeated")


def latents_of_another_generator_are_refused(generator: Generator) -> None:
    """With ``BadInput``, as ``LatentSpace.expand`` does."""
    space = generator.latent_space
    width, num_layers = space.width, space.num_layers

    def draw(*shape: int, repeats: tuple[int, ...] | None = None) -> None:
        refuses(
            lambda: generator.synthesize(torch.zeros(shape), repeats=repeats),
            f"a latent of shape {shape}" + (f" with repeats {repeats}" if repeats else ""),
        )

    draw(1, width)
    draw(1, 1, width + 1)
    draw(1, num_layers + 1, width)
    draw(1, 1, width, repeats=(num_layers + 1,))
    draw(1, 2, width, repeats=(0, num_layers))
    draw(1, 2, width, repeats=(num_layers,))


def gradients_reach_the_latents(generator: Generator) -> None:
    """What optimising a latent needs."""
    latents = generator.sample_latents(SEEDS[:2]).clone().requires_grad_()
    gradient = _gradient(generator.synthesize(latents), latents)
    require(bool(torch.isfinite(gradient).all()), "gradients hold NaN or infinity")
    require(bool(gradient.flatten(1).any(dim=1).all()), "the gradient of a latent is zero")


def drawing_leaves_everything_as_it_was(generator: Generator) -> None:
    """The latents that it is given, global random numbers, threads."""
    latents = generator.sample_latents(SEEDS[:2])
    kept = latents.clone()
    with nothing_shared_changes():
        generator.sample_latents(SEEDS)
        generator.synthesize(latents, truncation=0.7)
    require(torch.equal(latents, kept), "`synthesize` writes to the latents that it is given")


def _gradient(images: Tensor, latents: Tensor) -> Tensor:
    try:
        (gradient,) = torch.autograd.grad(images.square().sum(), latents)
    except RuntimeError as error:
        raise AssertionError(f"no gradient reaches the latents: {error}") from error
    return gradient


GENERATOR_LAWS: tuple[Law[Generator], ...] = (
    latents_are_those_of_the_latent_space,
    a_latent_depends_on_its_seed_alone,
    every_seed_has_a_latent_of_its_own,
    pictures_have_their_shape_and_range,
    a_picture_is_the_same_in_any_batch,
    truncation_pulls_latents_to_their_mean,
    latents_are_spread_over_the_layers,
    latents_of_another_generator_are_refused,
    gradients_reach_the_latents,
    drawing_leaves_everything_as_it_was,
    the_fingerprint_is_that_of_the_weights,
)
