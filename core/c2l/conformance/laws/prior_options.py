"""The laws of the options of sampling: those a prior supports, and those it does not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from c2l.conformance.law import require
from c2l.conformance.laws.common import EIGHT_SEEDS, require_near, require_tensor
from c2l.conformance.laws.prior_sampling import latents_shape
from c2l.conformance.subjects import PriorSubject
from c2l.conformance.uses import SEEDS, some_embeddings
from c2l.sample_options import Near, Towards


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
        require_tensor(drawn, latents_shape(prior, 8), prior, f"latents with `{name}`")


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


def knows_no_way(subject: PriorSubject) -> str:
    return "" if "towards" in subject.part.supported_options else "no `towards`"


def stays_nowhere(subject: PriorSubject) -> str:
    return "" if "near" in subject.part.supported_options else "no `near`"


def supports_nothing(subject: PriorSubject) -> str:
    return "" if subject.part.supported_options else "no options"


def supports_all(subject: PriorSubject) -> str:
    return "" if subject.part.ignored_options else "supports all options"


def _towards(embeddings: Tensor, at: float) -> Towards:
    """A way for each embedding, to one in reverse order, of another seed."""
    seeds = [seed + 100 for seed in (SEEDS if len(embeddings) == len(SEEDS) else EIGHT_SEEDS)]
    return Towards(embeddings.flip(0), seeds, [at] * len(embeddings))
