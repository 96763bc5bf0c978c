"""The laws of priors: of the class, and of one that is trained on the kit's world or was loaded."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.conformance import world
from c2l.conformance.law import Law, require
from c2l.conformance.laws.common import (
    BATCHES,
    EIGHT_SEEDS,
    LARGE_SEEDS,
    all_numbers_lie_in_the_state,
    another_process_gets_the_same_answers,
    describing_its_plugin_is_light,
    describing_its_plugin_only_describes,
    made_again_it_is_the_same,
    no_plugin,
    nothing_shared_changes,
    refuses,
    require_look,
    require_near,
    require_ready,
    require_tensor,
    settings_can_be_stored,
    stays_here,
    the_fingerprint_follows_the_state,
    the_number_of_threads_does_not_matter,
    using_it_does_not_end_the_process,
)
from c2l.conformance.laws.told_priors import (
    a_class_that_is_told_is_obeyed,
    a_told_latent_depends_on_its_row_alone,
    learns_no_classes,
    pairs_of_classes_are_learnt,
)
from c2l.conformance.subjects import PriorSubject
from c2l.conformance.uses import SEEDS, loaded, reloaded, some_embeddings
from c2l.errors import BadWeights
from c2l.looks import look_at_loss
from c2l.prior import Prior
from c2l.sample_options import Near, Towards

CUTS = (0.0, 0.01, 0.5, 0.99)


def it_can_be_built(subject: PriorSubject) -> None:
    """The class is a ``c2l.Prior`` that takes the widths of any pairs as keywords."""
    cls = subject.cls
    fine = isinstance(cls, type) and issubclass(cls, Prior)
    require(fine, f"{getattr(cls, '__name__', cls)} is not a c2l.Prior")
    built, widths = subject.build().config, world.WIDTHS
    kept = {name: getattr(built, name, None) for name in widths}
    require(kept == widths, f"built with {widths} its `config` has {kept}", "pass the settings on")


def unknown_settings_are_refused(subject: PriorSubject) -> None:
    """With ``BadInput``: a setting that is misspelt must not be ignored."""
    refuses(lambda: subject.cls(**subject.settings, no_such_setting=1), "an unknown setting")
    wrong = {**subject.settings, "latent_width": 0}
    refuses(lambda: subject.cls(**wrong), "a latent width of 0")


def it_can_be_fitted(subject: PriorSubject) -> None:
    """``fit`` takes pairs, with texts of the same domain or without."""
    embeddings, latents = world.pairs()
    subject.build().fit(embeddings, latents)
    subject.build().fit(embeddings, latents, embeddings[:16] + 0.5)


def the_loss_is_a_number(subject: PriorSubject) -> None:
    """A finite scalar, from which a gradient leads to the weights."""
    prior = _fitted(subject)
    loss = _loss(prior)
    require_look("`training_loss`", look_at_loss(prior, loss, None))
    loss.backward()  # type: ignore[no-untyped-call]
    slopes = [p.grad for p in prior.parameters() if p.grad is not None]
    require(any(bool(slope.any()) for slope in slopes), "the loss has no gradient")
    require(all(bool(torch.isfinite(s).all()) for s in slopes), "gradients hold NaN or infinity")


def the_loss_leaves_the_process_alone(subject: PriorSubject) -> None:
    """Its randomness comes from the ``rng`` that it is given, none from torch's global one.

    A run that is resumed must see the numbers that it would have seen.
    """
    prior = _fitted(subject)
    with nothing_shared_changes():
        _loss(prior)


def the_loss_depends_on_pairs_and_rng_alone(subject: PriorSubject) -> None:
    """The same pairs and the same ``rng`` give the same loss, so that a run can be resumed."""
    prior = _fitted(subject)
    first, again = _loss(prior).detach(), _loss(prior).detach()
    require(bool(first == again), "the same pairs and `rng` give another loss", "draw from `rng`")


def fitting_leaves_pairs_and_process_alone(subject: PriorSubject) -> None:
    """The pairs that it is given are the caller's, and nothing that others see changes."""
    given = [tensor.clone() for tensor in world.pairs()]
    prior = subject.build()
    with nothing_shared_changes():
        prior.fit(*given)
    same = all(torch.equal(t, kept) for t, kept in zip(given, world.pairs(), strict=True))
    require(same, "`fit` writes to its pairs", "copy them first")


def what_is_no_pair_is_refused(subject: PriorSubject) -> None:
    """With ``BadInput``, before hours of training: ``c2l.check_pairs`` does it."""
    embeddings, latents = world.pairs()
    wide = torch.zeros(2, embeddings.shape[1] + 1)
    wrong: list[tuple[str, tuple[Tensor, ...]]] = [
        ("fitting fewer latents than embeddings", (embeddings, latents[:-1])),
        ("fitting no pairs", (embeddings[:0], latents[:0])),
        ("fitting texts of another width", (embeddings, latents, wide)),
    ]
    for what, given in wrong:
        refuses(lambda g=given: subject.build().fit(*g), what)  # type: ignore[misc]


def latents_have_their_shape(subject: PriorSubject) -> None:
    """float32 (B, K, D), finite, one for each embedding."""
    prior = subject.part
    for num in (3, 1):
        drawn = prior.sample(some_embeddings(prior, num), seeds=SEEDS[:num])
        require_tensor(drawn, _shape(prior, num), prior, "latents")


def latents_have_their_shape_with_every_option(subject: PriorSubject) -> None:
    """Also with each option that ``supported_options`` names."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    three = torch.stack([asked.flip(0), asked.roll(1, 0), asked.roll(2, 0)], dim=1)
    options: dict[str, dict[str, Any]] = {
        "guidance": {"guidance": 2.0},
        "steps": {"steps": 3},
        "adherence": {"adherence": 0.5},
        "negative": {"negative": three, "negative_weights": [1.0, 0.5, 2.0]},
        "negative_by": {"negative": three, "negative_by": "guidance"},
        "towards": {"towards": _towards(asked, 0.5)},
        "near": {"near": Near(prior.sample(asked.roll(1, 0), seeds=EIGHT_SEEDS), 0.5)},
    }
    for name in sorted(prior.supported_options):
        drawn = prior.sample(asked, seeds=EIGHT_SEEDS, **options[name])
        require_tensor(drawn, _shape(prior, 8), prior, f"latents with `{name}`")


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
    require_tensor(drawn, _shape(prior, 0), prior, "no latents")


def every_seed_has_a_stream_of_its_own(subject: PriorSubject) -> None:
    """All of 0 to 2**64 - 1 are accepted, and none stands for another."""
    embedding = some_embeddings(subject.part, 1).expand(16, -1)
    # Sixteen at a time: a prior that picks among few latents may draw one of them twice.
    drawn = [
        subject.part.sample(embedding, seeds=[first ^ low for low in range(16)])
        for first in LARGE_SEEDS
    ]
    for i, first in enumerate(LARGE_SEEDS):
        for j in range(i):
            require(
                not torch.equal(drawn[i], drawn[j]),
                f"seeds near {first} draw as those near {LARGE_SEEDS[j]}",
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


def a_supported_option_makes_a_difference(subject: PriorSubject) -> None:
    """What ``supported_options`` names changes what is sampled; leave out what does not.

    A user who sets an option that a prior does not support is told that it is ignored.
    """
    prior = subject.part
    asked = some_embeddings(prior, 8)
    unwanted = asked.flip(0)
    extremes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "guidance": ({"guidance": 0.0}, {"guidance": 4.0}),
        "steps": ({"steps": 1}, {"steps": 7}),
        "adherence": ({"adherence": 0.0}, {"adherence": 1.0}),
        "negative": ({}, {"negative": unwanted}),
        "negative_by": ({}, {"negative": unwanted, "negative_by": "guidance"}),
        "towards": ({}, {"towards": _towards(asked, 0.5)}),
        "near": ({}, {"near": Near(prior.sample(unwanted, seeds=EIGHT_SEEDS), 0.5)}),
    }
    for name in sorted(prior.supported_options):
        low, high = (prior.sample(asked, seeds=EIGHT_SEEDS, **given) for given in extremes[name])
        require(
            not torch.equal(low, high),
            f"`{name}` changes nothing",
            "leave it out of `supported_options`",
        )


def an_option_that_it_does_not_support_changes_nothing(subject: PriorSubject) -> None:
    """``sample`` gives ``_sample`` None in its place; users are told that it is ignored."""
    prior = subject.part
    asked = some_embeddings(prior, 3)
    given: dict[str, Any] = {
        "guidance": 3.0,
        "steps": 5,
        "adherence": 0.9,
        "negative": asked.flip(0),
        "negative_by": "guidance",
        "towards": _towards(asked, 0.5),
    }
    wanted = prior.sample(asked, seeds=SEEDS)
    given["near"] = Near(wanted.flip(0), 0.5)
    for name in sorted(prior.ignored_options):
        drawn = prior.sample(asked, seeds=SEEDS, **{name: given[name]})
        require_near(drawn, wanted, f"`{name}` is not in `supported_options`, but has an effect")


def a_way_leads_from_sample_to_sample(subject: PriorSubject) -> None:
    """``towards`` begins at the sample itself and ends at the other one."""
    prior = subject.part
    asked = some_embeddings(prior, 3)
    start = prior.sample(asked, seeds=SEEDS)
    other = prior.sample(asked.flip(0), seeds=[seed + 100 for seed in SEEDS])
    for at, wanted, which in (
        (0.0, start, "begin at the sample"),
        (1.0, other, "end at the other"),
    ):
        drawn = prior.sample(asked, seeds=SEEDS, towards=_towards(asked, at))
        require_near(
            drawn,
            wanted,
            f"a way `towards` another sample does not {which}",
            "see `SampleOptions.normal` and `Towards.on_the_way`",
        )


def staying_near_begins_where_it_is(subject: PriorSubject) -> None:
    """A small amount of ``near`` changes latents a little."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    own = prior.sample(asked.flip(0), seeds=EIGHT_SEEDS)
    fresh = prior.sample(asked, seeds=EIGHT_SEEDS)
    close = prior.sample(asked, seeds=EIGHT_SEEDS, near=Near(own, 0.01))
    moved, whole = float((close - own).norm()), float((fresh - own).norm())
    require(
        moved < 0.3 * whole,
        f"with 1 % of noise latents move by {moved / whole:.0%} of the way to fresh ones",
        "sample from `near.latents` with `near.amount` of noise",
    )


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


def it_learns(subject: PriorSubject) -> None:
    """Trained on a small world, it finds the latents of embeddings that it has not seen.

    In the generator's own latent space: what it standardises while training, it puts back.
    """
    nearness = world.nearness(subject.trained)
    require(
        nearness > world.LEARNT,
        f"trained on {world.NUM_PAIRS} pairs it comes {nearness:.0%} of the way to latents that "
        f"it has not seen; {world.LEARNT:.0%} is little",
        "compare `_sample` with what `training_loss` and `fit` learn",
    )


def a_saved_prior_draws_as_before(subject: PriorSubject) -> None:
    """To the bit, with the same settings: its file is all that is left of it."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    wanted = prior.sample(asked, seeds=EIGHT_SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        again = reloaded(prior, Path(folder, "whole.safetensors"))
    require(again.settings() == prior.settings(), "the settings of a loaded prior are others")
    require(
        torch.equal(again.sample(asked, seeds=EIGHT_SEEDS), wanted),
        "a loaded prior draws other latents",
        "keep all that decides them in parameters, buffers and `Settings`",
    )


def a_loaded_prior_can_be_used_at_once(subject: PriorSubject) -> None:
    """In eval mode, its weights frozen: dropout is for training alone."""
    require_ready(subject.another())


def saving_leaves_the_prior_alone(subject: PriorSubject) -> None:
    """Saving, in float16 as well, does not change the weights that go on training."""
    prior = subject.part
    state = {name: tensor.clone() for name, tensor in prior.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        for half in (False, True):
            reloaded(prior, Path(folder, "prior.safetensors"), half=half)
    same = all(torch.equal(tensor, state[name]) for name, tensor in prior.state_dict().items())
    prior.load_state_dict(state)
    require(same, "saving changes the weights", "round copies of them")


def in_float16_it_draws_nearly_the_same(subject: PriorSubject) -> None:
    """Half the size, for a tenth of a deviation at most."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    wanted = prior.sample(asked, seeds=EIGHT_SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        halved = reloaded(prior, Path(folder, "half.safetensors"), half=True)
    drawn = halved.sample(asked, seeds=EIGHT_SEEDS)
    away = float((drawn - wanted).square().mean().sqrt() / wanted.std())
    require(
        away < 0.1, f"in float16 latents move by {away:.2g} of their deviation", "see `_halved`"
    )


def a_file_that_is_cut_is_refused(subject: PriorSubject) -> None:
    """With ``BadWeights``, wherever it ends: a download that broke off is no prior."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cut.safetensors")
        reloaded(subject.part, path)
        whole = path.read_bytes()
        for cut in CUTS:
            path.write_bytes(whole[: int(cut * len(whole))])
            try:
                loaded(type(subject.part), path)
            except BadWeights:
                continue
            require(False, f"a file cut to {cut:.0%} is loaded", "raise c2l.errors.BadWeights")


def _shape(prior: Prior, num: int) -> tuple[int, ...]:
    return num, prior.config.num_codes, prior.config.latent_width


def _fitted(subject: PriorSubject) -> Prior:
    prior = subject.build().train().requires_grad_(True)
    prior.fit(*world.pairs())
    return prior


def _loss(prior: Prior) -> Tensor:
    """Of the same 64 pairs and the same random numbers, each time."""
    embeddings, latents = (tensor[:64] for tensor in world.pairs())
    return prior.training_loss(embeddings, latents, torch.Generator().manual_seed(3))


def _towards(embeddings: Tensor, at: float) -> Towards:
    """A way for each embedding, to one in reverse order, of another seed."""
    seeds = [seed + 100 for seed in (SEEDS if len(embeddings) == len(SEEDS) else EIGHT_SEEDS)]
    return Towards(embeddings.flip(0), seeds, [at] * len(embeddings))


def _knows_no_way(subject: PriorSubject) -> str:
    return "" if "towards" in subject.part.supported_options else "no `towards`"


def _stays_nowhere(subject: PriorSubject) -> str:
    return "" if "near" in subject.part.supported_options else "no `near`"


def _needs_no_gradient(subject: PriorSubject) -> str:
    return "" if subject.cls.trains_by_gradient else "not trained by gradient"


def _supports_nothing(subject: PriorSubject) -> str:
    return "" if subject.part.supported_options else "no options"


def _supports_all(subject: PriorSubject) -> str:
    return "" if subject.part.ignored_options else "supports all options"


_ANSWERS = (sampling_again_gives_the_same_latents,)

PRIOR_LAWS: tuple[Law, ...] = (
    Law(describing_its_plugin_is_light, unless=no_plugin),
    Law(
        describing_its_plugin_only_describes,
        needs=(describing_its_plugin_is_light,),
        unless=no_plugin,
    ),
    Law(using_it_does_not_end_the_process, unless=stays_here),
    Law(it_can_be_built, needs=(using_it_does_not_end_the_process,)),
    Law(unknown_settings_are_refused, needs=(it_can_be_built,)),
    Law(it_can_be_fitted, needs=(it_can_be_built,)),
    Law(fitting_leaves_pairs_and_process_alone, needs=(it_can_be_fitted,)),
    Law(what_is_no_pair_is_refused, needs=(it_can_be_fitted,)),
    Law(the_loss_is_a_number, needs=(it_can_be_fitted,), unless=_needs_no_gradient),
    Law(the_loss_leaves_the_process_alone, (the_loss_is_a_number,), _needs_no_gradient),
    Law(
        the_loss_depends_on_pairs_and_rng_alone,
        needs=(the_loss_leaves_the_process_alone,),
        unless=_needs_no_gradient,
    ),
    Law(latents_have_their_shape, needs=(it_can_be_fitted, the_loss_is_a_number)),
    Law(
        latents_have_their_shape_with_every_option,
        needs=(latents_have_their_shape,),
        unless=_supports_nothing,
    ),
    Law(settings_can_be_stored, needs=(latents_have_their_shape,)),
    Law(sampling_leaves_the_process_alone, needs=(latents_have_their_shape,)),
    Law(sampling_leaves_its_embeddings_alone, needs=(latents_have_their_shape,)),
    Law(
        sampling_again_gives_the_same_latents,
        needs=(sampling_leaves_the_process_alone, sampling_leaves_its_embeddings_alone),
    ),
    Law(a_latent_is_the_same_in_any_batch, needs=_ANSWERS),
    Law(no_embeddings_give_no_latents, needs=(latents_have_their_shape,)),
    Law(every_seed_has_a_stream_of_its_own, needs=_ANSWERS),
    Law(the_embedding_decides, needs=_ANSWERS),
    Law(
        a_supported_option_makes_a_difference,
        needs=(latents_have_their_shape_with_every_option, *_ANSWERS),
        unless=_supports_nothing,
    ),
    Law(an_option_that_it_does_not_support_changes_nothing, needs=_ANSWERS, unless=_supports_all),
    Law(
        a_way_leads_from_sample_to_sample,
        needs=(a_supported_option_makes_a_difference,),
        unless=_knows_no_way,
    ),
    Law(
        staying_near_begins_where_it_is,
        needs=(a_supported_option_makes_a_difference,),
        unless=_stays_nowhere,
    ),
    Law(what_cannot_be_asked_is_refused, needs=(latents_have_their_shape,)),
    Law(it_learns, needs=(the_embedding_decides, a_latent_is_the_same_in_any_batch)),
    Law(pairs_of_classes_are_learnt, needs=(it_learns,), unless=learns_no_classes),
    Law(
        a_class_that_is_told_is_obeyed,
        needs=(pairs_of_classes_are_learnt,),
        unless=learns_no_classes,
    ),
    Law(
        a_told_latent_depends_on_its_row_alone,
        needs=(pairs_of_classes_are_learnt,),
        unless=learns_no_classes,
    ),
    Law(the_fingerprint_follows_the_state, needs=(settings_can_be_stored,)),
    Law(a_saved_prior_draws_as_before, needs=(settings_can_be_stored, *_ANSWERS)),
    Law(a_loaded_prior_can_be_used_at_once, needs=(a_saved_prior_draws_as_before,)),
    Law(saving_leaves_the_prior_alone, needs=(a_saved_prior_draws_as_before,)),
    Law(in_float16_it_draws_nearly_the_same, needs=(saving_leaves_the_prior_alone,)),
    Law(a_file_that_is_cut_is_refused, needs=(a_saved_prior_draws_as_before,)),
    Law(
        made_again_it_is_the_same,
        needs=(a_saved_prior_draws_as_before, the_fingerprint_follows_the_state),
    ),
    Law(
        another_process_gets_the_same_answers,
        needs=(made_again_it_is_the_same,),
        unless=stays_here,
    ),
    Law(the_number_of_threads_does_not_matter, needs=_ANSWERS),
    Law(all_numbers_lie_in_the_state, needs=(made_again_it_is_the_same,)),
)
