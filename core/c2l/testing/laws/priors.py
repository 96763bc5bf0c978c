"""The laws of priors. They are given one that is fitted; it need not be trained."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.errors import BadWeights
from c2l.prior import Prior
from c2l.prior_file import PartCard, PriorCard
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
from c2l_registry import Source, parse_reference

KIND = "lawful"
CUTS = (0.0, 0.01, 0.5, 0.99)


def some_pairs(prior: Prior, num: int = 40) -> tuple[Tensor, Tensor]:
    """Random embeddings and latents of the prior's widths."""
    config, rng = prior.config, torch.Generator().manual_seed(0)
    embeddings = torch.randn(num, config.embedding_width, generator=rng)
    return embeddings, torch.randn(num, config.num_codes, config.latent_width, generator=rng)


def latents_have_their_shape(prior: Prior) -> None:
    """float32 (B, K, D), with every option that the prior supports."""
    embeddings, _ = some_pairs(prior, 8)
    shape = (8, prior.config.num_codes, prior.config.latent_width)
    three = torch.stack([embeddings.flip(0), embeddings.roll(1, 0), embeddings.roll(2, 0)], dim=1)
    options: dict[str, dict[str, Any]] = {
        "guidance": {"guidance": 2.0},
        "steps": {"steps": 3},
        "adherence": {"adherence": 0.5},
        "negative": {"negative": three, "negative_weights": [1.0, 0.5, 2.0]},
        "negative_by": {"negative": three, "negative_by": "guidance"},
    }
    drawn = prior.sample(embeddings, seeds=SEEDS)
    require_tensor(drawn, shape, prior, "latents")
    for name in sorted(prior.supported_options):
        drawn = prior.sample(embeddings, seeds=SEEDS, **options[name])
        require_tensor(drawn, shape, prior, f"latents with `{name}`")


def a_supported_option_makes_a_difference(prior: Prior) -> None:
    """What ``supported_options`` names changes what is sampled."""
    embeddings, _ = some_pairs(prior, 8)
    unwanted = embeddings.flip(0)
    extremes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "guidance": ({"guidance": 0.0}, {"guidance": 4.0}),
        "steps": ({"steps": 1}, {"steps": 7}),
        "adherence": ({"adherence": 0.0}, {"adherence": 1.0}),
        "negative": ({}, {"negative": unwanted}),
        "negative_by": ({}, {"negative": unwanted, "negative_by": "guidance"}),
    }
    for name in sorted(prior.supported_options):
        low, high = (prior.sample(embeddings, seeds=SEEDS, **given) for given in extremes[name])
        require(not torch.equal(low, high), f"`{name}` is in `supported_options`, without effect")


def a_latent_depends_on_its_embedding_and_seed_alone(prior: Prior) -> None:
    """Whatever is drawn beside it: the same in a batch of 1, 3 or 8."""
    embeddings, _ = some_pairs(prior, 8)
    together = prior.sample(embeddings, seeds=SEEDS)
    for size in BATCHES:
        part = prior.sample(embeddings[-size:], seeds=SEEDS[-size:])
        require_near(part, together[-size:], f"a latent changes in a batch of {size}")


def every_seed_has_a_stream_of_its_own(prior: Prior) -> None:
    """All of 0 to 2**64 - 1 are accepted, and none stands for another."""
    embedding = some_pairs(prior, 1)[0].expand(16, -1)
    # Sixteen at a time: a prior that picks among few latents may draw one of them twice.
    drawn = [
        prior.sample(embedding, seeds=[first ^ low for low in range(16)]) for first in LARGE_SEEDS
    ]
    for i, first in enumerate(LARGE_SEEDS):
        for j in range(i):
            require(
                not torch.equal(drawn[i], drawn[j]),
                f"seeds near {first} draw as those near {LARGE_SEEDS[j]}; see c2l.SeededNormal",
            )


def what_does_not_fit_is_refused(prior: Prior) -> None:
    """Widths, numbers, NaN and options out of range, when sampling and when fitting."""
    embeddings, latents = some_pairs(prior)
    two, wide = embeddings[:2], torch.zeros(2, embeddings.shape[1] + 1)
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
    fresh = copy.deepcopy(prior)
    refuses(lambda: fresh.fit(embeddings, latents[:-1]), "fitting fewer latents than embeddings")
    refuses(lambda: fresh.fit(embeddings[:0], latents[:0]), "fitting no pairs")
    refuses(lambda: fresh.fit(embeddings, latents, wide), "fitting texts of another width")


def sampling_leaves_everything_as_it_was(prior: Prior) -> None:
    """The embeddings that it is given, global random numbers, threads."""
    embeddings, _ = some_pairs(prior, 8)
    kept = embeddings.clone()
    with nothing_shared_changes():
        prior.sample(embeddings, seeds=SEEDS)
    require(torch.equal(embeddings, kept), "`sample` writes to the embeddings that it is given")


def a_saved_prior_draws_as_before(prior: Prior) -> None:
    """To the bit; saving, in float16 as well, leaves the live weights alone."""
    embeddings, _ = some_pairs(prior, 8)
    wanted = prior.sample(embeddings, seeds=SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole.safetensors")
        _copy_of(prior).save(path, _card(prior))
        again = _load(prior, path)
        require(again.settings() == prior.settings(), "the settings of a loaded prior are others")
        drawn = again.sample(embeddings, seeds=SEEDS)
        require(torch.equal(drawn, wanted), "a loaded prior draws something else")

        live = _copy_of(prior)
        live.save(Path(folder, "half.safetensors"), _card(prior), half=True)
        drawn = live.sample(embeddings, seeds=SEEDS)
        require(torch.equal(drawn, wanted), "saving in float16 rounds the live weights")
        halved = _load(prior, Path(folder, "half.safetensors"))
        drawn = halved.sample(embeddings, seeds=SEEDS)
        away = float((drawn - wanted).square().mean().sqrt() / wanted.std())
        require(away < 0.1, f"in float16 latents move by {away:.2g} of their deviation")


def a_file_that_is_cut_is_refused(prior: Prior) -> None:
    """With ``BadWeights``, wherever it ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cut.safetensors")
        _copy_of(prior).save(path, _card(prior))
        whole = path.read_bytes()
        for cut in CUTS:
            path.write_bytes(whole[: int(cut * len(whole))])
            try:
                _load(prior, path)
            except BadWeights:
                continue
            raise AssertionError(f"a file cut to {cut:.0%} is loaded; raise BadWeights")


def the_loss_depends_on_its_generator_alone(prior: Prior) -> None:
    """A finite scalar with a gradient; a resumed run must see the numbers that it would have."""
    if not prior.trains_by_gradient:
        return
    live = copy.deepcopy(prior).train().requires_grad_(True)
    live.fit(*some_pairs(live))
    losses = []
    for seed in (3, 3, 4):
        with nothing_shared_changes():
            rng = torch.Generator().manual_seed(seed)
            losses.append(live.training_loss(*some_pairs(live), rng))
    require(losses[0].ndim == 0, "a loss is a scalar")
    require(bool(torch.isfinite(losses[0])), "the loss is NaN or infinite")
    require(bool(losses[0] == losses[1]), "the loss depends on more than pairs and `rng`")
    require(bool(losses[0] != losses[2]), "the loss makes no use of `rng`")
    losses[0].backward()  # type: ignore[no-untyped-call]
    slopes = [p.grad for p in live.parameters() if p.grad is not None]
    require(any(bool(slope.any()) for slope in slopes), "the loss has no gradient")
    require(all(bool(torch.isfinite(s).all()) for s in slopes), "gradients hold NaN or infinity")


def _copy_of(prior: Prior) -> Prior:
    """``save`` sets the card of what it saves."""
    return copy.deepcopy(prior)


def _card(prior: Prior) -> PriorCard:
    part = PartCard("toy:part", "0" * 64)
    return PriorCard(KIND, dict(prior.settings()), part, part, (1,) * prior.config.num_codes)


def _load(prior: Prior, path: Path) -> Prior:
    return type(prior).load(Source(parse_reference(f"{KIND}:{path}"), path, None)).to(prior.device)


PRIOR_LAWS: tuple[Law[Prior], ...] = (
    latents_have_their_shape,
    a_supported_option_makes_a_difference,
    a_latent_depends_on_its_embedding_and_seed_alone,
    every_seed_has_a_stream_of_its_own,
    what_does_not_fit_is_refused,
    sampling_leaves_everything_as_it_was,
    a_saved_prior_draws_as_before,
    a_file_that_is_cut_is_refused,
    the_loss_depends_on_its_generator_alone,
    the_fingerprint_is_that_of_the_weights,
)
