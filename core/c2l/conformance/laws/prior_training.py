"""The laws of training a prior: built for any widths, it learns from pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from c2l.conformance import world
from c2l.conformance.law import require
from c2l.conformance.laws.common import nothing_shared_changes, refuses, require_look
from c2l.conformance.subjects import PriorSubject
from c2l.looks import look_at_loss
from c2l.prior import Prior


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


def needs_no_gradient(subject: PriorSubject) -> str:
    return "" if subject.cls.trains_by_gradient else "not trained by gradient"


def _fitted(subject: PriorSubject) -> Prior:
    prior = subject.build().train().requires_grad_(True)
    prior.fit(*world.pairs())
    return prior


def _loss(prior: Prior) -> Tensor:
    """Of the same 64 pairs and the same random numbers, each time."""
    embeddings, latents = (tensor[:64] for tensor in world.pairs())
    return prior.training_loss(embeddings, latents, torch.Generator().manual_seed(3))
