"""The laws of generators: what they draw of latents. All of them are listed at the end."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from c2l.conformance.law import Breach, Law, require
from c2l.conformance.laws.classes import (
    a_class_latent_depends_on_its_row_alone,
    another_class_is_another_latent,
    has_no_classes,
    latents_can_be_brought_into_a_class,
    latents_of_a_class_stay,
    seeds_draw_classes,
    what_is_no_class_is_refused,
)
from c2l.conformance.laws.common import (
    BATCHES,
    EIGHT_SEEDS,
    FIRST_LAWS,
    NEAR,
    all_numbers_lie_in_the_state,
    another_process_gets_the_same_answers,
    distance,
    has_no_state,
    it_is_loaded_to_be_used,
    made_again_it_is_the_same,
    nothing_shared_changes,
    refuses,
    require_look,
    require_near,
    require_tensor,
    settings_can_be_stored,
    stays_here,
    the_fingerprint_follows_the_state,
    the_number_of_threads_does_not_matter,
    the_state_decides_the_answers,
    using_it_does_not_end_the_process,
)
from c2l.conformance.laws.generator_latents import (
    Generators,
    a_latent_depends_on_its_seed_alone,
    every_seed_has_a_latent_of_its_own,
    latents_have_the_deviation_of_their_space,
    latents_have_the_mean_of_their_space,
    latents_have_their_shape,
    sampling_leaves_the_process_alone,
    what_is_no_seed_is_refused,
)
from c2l.conformance.uses import SEEDS, loaded
from c2l.generator import Generator
from c2l.looks import PROBES, WIDEST, look_at_image_size, look_at_latent_space
from c2l_registry.wording import a_type_of


def it_can_be_loaded(subject: Generators) -> None:
    """Loading it, or calling its factory, gives a ``c2l.Generator``."""
    part = subject.part
    require(isinstance(part, Generator), f"loading it gives {a_type_of(part)}")


def latent_space_and_image_size_are_well_formed(subject: Generators) -> None:
    """A ``LatentSpace`` whose numbers fit each other, and a height and a width in pixels.

    Pairs and priors are laid out by them before the first picture is drawn.
    """
    part = subject.part
    require_look("`latent_space`", look_at_latent_space(part, part.latent_space, None))
    require_look("`image_size`", look_at_image_size(part, part.image_size, None))


def pictures_have_their_shape(subject: Generators) -> None:
    """float32 (B, 3, H, W), finite, H and W of ``image_size``, one for each latent."""
    part = subject.part
    latents = part.sample_latents(SEEDS)
    for num in (len(SEEDS), 1):
        images = part.synthesize(latents[:num])
        require_tensor(images, (num, 3, *part.image_size), part, "pictures")


def drawing_takes_its_options(subject: Generators) -> None:
    """``truncation`` and ``repeats``, by keyword, give a picture as well."""
    part = subject.part
    repeats = part.latent_space.repeats
    images = part.synthesize(part.sample_latents(SEEDS), truncation=0.7, repeats=repeats)
    require_tensor(images, (len(SEEDS), 3, *part.image_size), part, "pictures")


def pictures_are_around_zero(subject: Generators) -> None:
    """From -1 to 1 but for overshoot, which an untrained network has much of.

    0 to 1 and 0 to 255 are other conventions, which look washed out or white.
    """
    images = subject.answers["synthesize"]
    lowest, highest = float(images.min()), float(images.max())
    span = f"pixels run from {lowest:.3g} to {highest:.3g}"
    require(max(-lowest, highest) < WIDEST, span, "bring them to [-1, 1]")
    if lowest < 0:
        return
    others = subject.part.sample_latents(range(PROBES))
    darkest = min(float(subject.part.synthesize(row).min()) for row in others.split(1))
    require(darkest < 0, f"{span}, and none of {PROBES} others is below 0", "bring them to [-1, 1]")


def each_latent_has_a_picture_of_its_own(subject: Generators) -> None:
    """Another latent, another picture."""
    images = subject.part.synthesize(subject.part.sample_latents(SEEDS))
    require(distance(images[1:], images[:1]) > NEAR, "all latents give one picture")


def drawing_leaves_the_process_alone(subject: Generators) -> None:
    """Nothing that others see changes: random state, dtype, threads, whether gradients are kept.

    Noise drawn from torch's global generator would change the next picture of everybody else.
    """
    latents = subject.part.sample_latents(SEEDS)
    with nothing_shared_changes():
        subject.part.synthesize(latents, truncation=0.7)


def drawing_leaves_its_latents_alone(subject: Generators) -> None:
    """The latents that it is given are the caller's, who draws with them again."""
    latents = subject.part.sample_latents(SEEDS)
    kept = latents.clone()
    subject.part.synthesize(latents, truncation=0.7)
    require(torch.equal(latents, kept), "`synthesize` writes to its latents", "copy them first")


def drawing_again_gives_the_same_picture(subject: Generators) -> None:
    """A latent is a picture; whatever is random about it belongs into the latent or is fixed."""
    latents = subject.part.sample_latents(SEEDS)
    first = subject.part.synthesize(latents)
    for _ in range(2):
        require_near(
            subject.part.synthesize(latents), first, "the same latents give other pictures"
        )


def a_picture_is_the_same_in_any_batch(subject: Generators) -> None:
    """Of 1, 3 or 8, and with other pictures around it: batches are a matter of memory."""
    latents = subject.part.sample_latents(EIGHT_SEEDS)
    together = subject.part.synthesize(latents)
    for size in BATCHES:
        part = subject.part.synthesize(latents[-size:])
        require_near(
            part,
            together[-size:],
            f"a picture changes in a batch of {size}",
            "compute no statistics over the batch",
        )


def truncation_pulls_latents_to_their_mean(subject: Generators) -> None:
    """1 leaves latents, 0 gives the picture of `centres`, and between lies what is between them."""
    part = subject.part
    latents = part.sample_latents(SEEDS[:2])
    mean = part.centres(latents)
    for truncation in (1.0, 0.0, 0.5, 0.25):
        drawn = part.synthesize(latents, truncation=truncation)
        wanted = part.synthesize(torch.lerp(mean, latents, truncation))
        require_near(
            drawn,
            wanted,
            f"truncation {truncation} does not draw the latents at that part of the way from "
            "`centres`",
            "see torch.lerp(self.centres(latents), latents, truncation)",
        )


def codes_are_spread_over_the_layers(subject: Generators) -> None:
    """One code feeds all layers; groups, and a code for each layer, say the same in more words."""
    part = subject.part
    num_layers = part.latent_space.num_layers
    one, other = (part.sample_latents([seed])[:, :1] for seed in (3, 4))
    single = part.synthesize(one)
    full = part.synthesize(one.repeat(1, num_layers, 1))
    require_near(full, single, f"K = 1 and K = {num_layers} draw two pictures of one code")
    repeated = part.synthesize(one, repeats=(num_layers,))
    require_near(repeated, single, f"`repeats` of ({num_layers},) change the picture of one code")
    for first in sorted({1, num_layers // 2, num_layers - 1}.intersection(range(1, num_layers))):
        repeats = (first, num_layers - first)
        groups = part.synthesize(torch.cat([one, other], dim=1), repeats=repeats)
        codes = [one.repeat(1, repeats[0], 1), other.repeat(1, repeats[1], 1)]
        require_near(
            groups,
            part.synthesize(torch.cat(codes, dim=1)),
            f"`repeats` of {repeats} are not two codes, repeated so often",
            "see c2l.LatentSpace.expand",
        )


def latents_repeat_as_their_space_says(subject: Generators) -> None:
    """K codes feed as many layers each as ``repeats`` says: written out, they draw the same."""
    part = subject.part
    space, latents = part.latent_space, part.sample_latents(SEEDS)
    times = torch.tensor(space.repeats)
    full = part.synthesize(latents.repeat_interleave(times, dim=1))
    require_near(
        full,
        part.synthesize(latents),
        f"latents written out as `latent_space.repeats` {space.repeats} draw other pictures",
        "see c2l.LatentSpace.expand",
    )


def latents_of_another_generator_are_refused(subject: Generators) -> None:
    """With ``BadInput``, which says what fits, before torch says something about matrices."""
    space = subject.part.latent_space
    width, num_layers = space.width, space.num_layers
    wrong: list[tuple[tuple[int, ...], tuple[int, ...] | None]] = [
        ((1, width), None),
        ((1, 1, width + 1), None),
        ((1, num_layers + 1, width), None),
        ((1, 1, width), (num_layers + 1,)),
        ((1, 2, width), (0, num_layers)),
        ((1, 2, width), (num_layers,)),
    ]
    for shape, repeats in wrong:
        what = f"a latent of shape {shape}" + (f" with repeats {repeats}" if repeats else "")
        refuses(lambda s=shape, r=repeats: _draw_zeros(subject, s, r), what)  # type: ignore[misc]


def gradients_reach_the_latents(subject: Generators) -> None:
    """What optimising a latent needs. A network without any says ``differentiable = False``."""
    latents = subject.part.sample_latents(SEEDS[:2]).clone().requires_grad_()
    images = subject.part.synthesize(latents)
    try:
        (gradient,) = torch.autograd.grad(images.square().sum(), latents)
    except RuntimeError as error:
        do = "compute with tensors, or declare `differentiable = False`"
        raise Breach(f"no gradient reaches the latents: {error}", do) from error
    require(bool(torch.isfinite(gradient).all()), "gradients hold NaN or infinity")
    require(bool(gradient.flatten(1).any(dim=1).all()), "the gradient of a latent is zero")


def a_saved_one_draws_as_before(subject: Generators) -> None:
    """``save`` writes what ``load`` reads: the same pictures, under the same fingerprint."""
    part = subject.part
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "saved.safetensors")
        part.save(path)
        again = loaded(type(part), path)
        latents = part.sample_latents(SEEDS)
        require_near(
            again.synthesize(latents), part.synthesize(latents), "saved and loaded, it draws others"
        )
        require(
            again.fingerprint() == part.fingerprint(),
            "saved, it has another fingerprint",
        )


def _draw_zeros(
    subject: Generators, shape: tuple[int, ...], repeats: tuple[int, ...] | None
) -> None:
    subject.part.synthesize(torch.zeros(shape), repeats=repeats)


def _has_no_gradient(subject: Generators) -> str:
    return "" if subject.part.differentiable else "no gradients"


def _has_one_layer(subject: Generators) -> str:
    return "" if subject.part.latent_space.num_layers > 1 else "one layer"


def _has_no_file_format(subject: Generators) -> str:
    return "" if type(subject.part).save is not Generator.save else "no file format of its own"


GENERATOR_LAWS: tuple[Law, ...] = (
    *FIRST_LAWS,
    Law(it_can_be_loaded, needs=(using_it_does_not_end_the_process,)),
    Law(it_is_loaded_to_be_used, needs=(it_can_be_loaded,)),
    Law(settings_can_be_stored, needs=(it_can_be_loaded,)),
    Law(latent_space_and_image_size_are_well_formed, needs=(it_can_be_loaded,)),
    Law(latents_have_their_shape, needs=(latent_space_and_image_size_are_well_formed,)),
    Law(sampling_leaves_the_process_alone, needs=(latents_have_their_shape,)),
    Law(a_latent_depends_on_its_seed_alone, needs=(sampling_leaves_the_process_alone,)),
    Law(every_seed_has_a_latent_of_its_own, needs=(a_latent_depends_on_its_seed_alone,)),
    Law(what_is_no_seed_is_refused, needs=(latents_have_their_shape,)),
    Law(latents_have_the_mean_of_their_space, needs=(every_seed_has_a_latent_of_its_own,)),
    Law(latents_have_the_deviation_of_their_space, needs=(every_seed_has_a_latent_of_its_own,)),
    Law(seeds_draw_classes, needs=(latents_have_their_shape,), unless=has_no_classes),
    Law(
        a_class_latent_depends_on_its_row_alone,
        needs=(seeds_draw_classes, a_latent_depends_on_its_seed_alone),
        unless=has_no_classes,
    ),
    Law(
        another_class_is_another_latent,
        needs=(a_class_latent_depends_on_its_row_alone,),
        unless=has_no_classes,
    ),
    Law(what_is_no_class_is_refused, needs=(seeds_draw_classes,), unless=has_no_classes),
    Law(
        latents_can_be_brought_into_a_class,
        needs=(another_class_is_another_latent,),
        unless=has_no_classes,
    ),
    Law(
        latents_of_a_class_stay,
        needs=(latents_can_be_brought_into_a_class,),
        unless=has_no_classes,
    ),
    Law(pictures_have_their_shape, needs=(latents_have_their_shape, it_is_loaded_to_be_used)),
    Law(drawing_takes_its_options, needs=(pictures_have_their_shape,)),
    Law(pictures_are_around_zero, needs=(drawing_takes_its_options,)),
    Law(
        each_latent_has_a_picture_of_its_own,
        needs=(every_seed_has_a_latent_of_its_own, pictures_have_their_shape),
    ),
    Law(drawing_leaves_the_process_alone, needs=(drawing_takes_its_options,)),
    Law(drawing_leaves_its_latents_alone, needs=(drawing_takes_its_options,)),
    Law(
        drawing_again_gives_the_same_picture,
        needs=(drawing_leaves_the_process_alone, drawing_leaves_its_latents_alone),
    ),
    Law(a_picture_is_the_same_in_any_batch, needs=(drawing_again_gives_the_same_picture,)),
    Law(
        truncation_pulls_latents_to_their_mean,
        needs=(each_latent_has_a_picture_of_its_own, a_picture_is_the_same_in_any_batch),
    ),
    Law(
        codes_are_spread_over_the_layers,
        needs=(drawing_again_gives_the_same_picture,),
        unless=_has_one_layer,
    ),
    Law(
        latents_repeat_as_their_space_says,
        needs=(codes_are_spread_over_the_layers,),
        unless=_has_one_layer,
    ),
    Law(latents_of_another_generator_are_refused, needs=(drawing_takes_its_options,)),
    Law(
        gradients_reach_the_latents,
        needs=(
            each_latent_has_a_picture_of_its_own,
            drawing_leaves_the_process_alone,
            drawing_leaves_its_latents_alone,
        ),
        unless=_has_no_gradient,
    ),
    Law(the_fingerprint_follows_the_state, needs=(settings_can_be_stored,)),
    Law(
        made_again_it_is_the_same,
        needs=(
            drawing_again_gives_the_same_picture,
            a_latent_depends_on_its_seed_alone,
            the_fingerprint_follows_the_state,
        ),
    ),
    Law(
        another_process_gets_the_same_answers,
        needs=(made_again_it_is_the_same,),
        unless=stays_here,
    ),
    Law(the_number_of_threads_does_not_matter, needs=(drawing_again_gives_the_same_picture,)),
    Law(all_numbers_lie_in_the_state, needs=(made_again_it_is_the_same,)),
    Law(
        the_state_decides_the_answers,
        needs=(made_again_it_is_the_same, all_numbers_lie_in_the_state),
        unless=has_no_state,
    ),
    Law(
        a_saved_one_draws_as_before,
        needs=(drawing_again_gives_the_same_picture, the_fingerprint_follows_the_state),
        unless=_has_no_file_format,
    ),
)
