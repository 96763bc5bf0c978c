"""What each of the bundled priors is for; what all of them promise, the laws of c2l.testing say."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import c2l
from c2l.errors import BadInput
from c2l.testing import ToyEmbedder, share_shown, some_prompts, toy_pairs
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH
from c2l_priors.flow import FlowPrior
from c2l_priors.mlp import MLPPrior
from c2l_priors.neighbours import NeighboursPrior
from c2l_priors.onestep import OneStepPrior
from c2l_priors.ridge import RidgePrior
from c2l_priors.scaling import LatentScale

torch.set_num_threads(1)
WIDTHS = {"embedding_width": 6, "num_codes": 2, "latent_width": 5}
KINDS: dict[str, Callable[..., c2l.Prior]] = {
    "flow": FlowPrior,
    "mlp": MLPPrior,
    "neighbours": NeighboursPrior,
    "onestep": OneStepPrior,
    "ridge": RidgePrior,
}
SMALL: dict[str, Mapping[str, Any]] = {
    "flow": {"hidden": 16, "num_blocks": 1},
    "mlp": {"hidden": 16, "num_blocks": 1},
    "neighbours": {"num_stored": 20, "num_nearest": 4, "temperature": 0.5},
    "onestep": {"hidden": 16, "num_blocks": 1},
    "ridge": {},
}


def some_pairs(num: int = 30) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    latents = 3 + 2 * torch.randn(num, 2, 5, generator=rng)
    return torch.randn(num, 6, generator=rng), latents


@functools.cache
def shaken(kind: str) -> c2l.Prior:
    """A fitted prior; its zero-initialised layers are not zero any more, so that they count."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = KINDS[kind](**WIDTHS, **SMALL[kind])
        for parameter in prior.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    prior.fit(*some_pairs())
    return prior.eval()


FLOWS = ["flow", "onestep"]
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_a_prompts_length_has_no_say(kind: str) -> None:
    embeddings = some_pairs()[0][:4]
    near, far = (shaken(kind).sample(embeddings * s, seeds=range(4)) for s in (1, 20))
    torch.testing.assert_close(near, far, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["mlp", "ridge"])
def test_without_spread_every_seed_gives_the_mean(kind: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = KINDS[kind](**WIDTHS, **SMALL[kind], spread=0.0)
    prior.fit(*some_pairs())
    asked = some_pairs()[0][:1].expand(2, -1)
    drawn = prior.sample(asked, seeds=[0, 1], adherence=1.0)
    torch.testing.assert_close(drawn[0], drawn[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["flow", "mlp", "onestep"])
def test_less_adherence_is_more_variety(kind: str) -> None:
    """Seen in the unit embedding alone: where the noise of the walk is the same."""
    prior, asked = shaken(kind), some_pairs()[0][:1].expand(200, -1)
    literal, loose = (prior.sample(asked, seeds=range(200), adherence=a) for a in (1.0, 0.0))
    assert not torch.allclose(literal, loose)


@pytest.mark.parametrize("kind", FLOWS)
def test_steps_and_guidance_are_the_flows(kind: str) -> None:
    flow, embeddings = shaken(kind), some_pairs()[0][:4]
    default = flow.sample(embeddings, seeds=range(4))
    own = {name: flow.settings()[name] for name in ("guidance", "steps", "adherence")}
    assert torch.equal(default, flow.sample(embeddings, seeds=range(4), **own))
    for options in ({"guidance": 3.0}, {"steps": 3}):
        assert not torch.allclose(flow.sample(embeddings, seeds=range(4), **options), default)


def calls_of_the_network(flow: c2l.Prior, **options: Any) -> list[int]:
    """How many rows each call of the network has, while one sample is drawn."""
    rows: list[int] = []
    handle = flow.get_submodule("network").register_forward_hook(
        lambda module, args, out: rows.append(len(out))
    )
    try:
        flow.sample(some_pairs()[0][:1], seeds=[0], **options)
    finally:
        handle.remove()
    return rows


def test_what_a_sample_costs() -> None:
    """One call for each step; guidance adds rows, not calls, and only on the way."""
    flow, onestep = shaken("flow"), shaken("onestep")
    assert calls_of_the_network(flow) == [1] * 8
    assert calls_of_the_network(flow, guidance=2.0) == [1, 1, 2, 2, 2, 2, 2, 1]
    assert calls_of_the_network(flow, steps=1, guidance=2.0) == [2]
    assert calls_of_the_network(onestep) == [1]
    assert calls_of_the_network(onestep, guidance=2.0) == [2]
    assert calls_of_the_network(onestep, steps=3) == [1] * 3


def test_guidance_of_nothing_forgets_the_embedding() -> None:
    embeddings, onestep = some_pairs()[0][:4], shaken("onestep")
    nothing = onestep.sample(embeddings, seeds=[5] * 4, guidance=0.0)
    torch.testing.assert_close(nothing, nothing[:1].expand(4, -1, -1), rtol=0, atol=1e-5)
    assert not torch.allclose(onestep.sample(embeddings, seeds=[5] * 4), nothing)


def test_who_never_saw_nothing_cannot_be_guided_away_from_it() -> None:
    prior = FlowPrior(**WIDTHS, **SMALL["flow"], drop=0.0)
    asked = some_pairs()[0][:2]
    with pytest.raises(BadInput, match="cannot be guided"):
        prior.sample(asked, seeds=[0, 1], guidance=2.0)
    assert prior.sample(asked, seeds=[0, 1], guidance=2.0, negative=asked).shape == (2, 2, 5)


@pytest.mark.parametrize("kind", FLOWS)
def test_a_negative_prompt_takes_the_place_of_nothing(kind: str) -> None:
    prior, embeddings = shaken(kind), some_pairs()[0][:4]
    unwanted = some_pairs()[0][4:8]
    plain = prior.sample(embeddings, seeds=range(4))
    without = prior.sample(embeddings, seeds=range(4), negative=unwanted)
    assert not torch.allclose(plain, without)
    assert torch.equal(
        without, prior.sample(embeddings, seeds=range(4), negative=unwanted, guidance=2.0)
    )
    assert torch.equal(
        plain, prior.sample(embeddings, seeds=range(4), negative=unwanted, guidance=1.0)
    )


@given(std=st.floats(1e-3, 1e3), mean=st.floats(-1e3, 1e3))
def test_a_dimension_that_never_varies_stays_put(std: float, mean: float) -> None:
    latents = mean + std * torch.randn(50, 1, 4, generator=torch.Generator().manual_seed(0))
    latents[:, 0, 2] = mean
    scale = LatentScale(1, 4)
    scale.fit(latents)
    flat = scale(latents)
    assert torch.isfinite(flat).all() and flat.abs().max() < 10
    wild = scale.inverse(flat + 1)
    assert (wild - latents)[:, 0, 2].abs().max() < 0.01 * std + 1e-5 * abs(mean)
    torch.testing.assert_close(scale.inverse(flat), latents, rtol=1e-4, atol=1e-3 * std)


@functools.cache
def trained(kind: str, steps: int) -> c2l.Prior:
    embeddings, latents = toy_pairs(3000)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = KINDS[kind](
            embedding_width=EMBEDDING_WIDTH,
            num_codes=1,
            latent_width=WIDTH,
            **({"hidden": 96, "num_blocks": 2} if steps else {}),
        )
    prior.fit(embeddings, latents, ToyEmbedder().embed_text(some_prompts(100, seed=9)))
    optimiser = torch.optim.AdamW(prior.parameters(), lr=3e-3) if steps else None
    for step in range(steps):
        rng = torch.Generator().manual_seed(step)
        rows = torch.randint(len(latents), (128,), generator=rng)
        assert optimiser is not None
        optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / steps)
        optimiser.zero_grad()
        prior.training_loss(embeddings[rows], latents[rows], rng).backward()
        optimiser.step()
    return prior.eval()


STEPS = {"flow": 300, "onestep": 300, "mlp": 150, "ridge": 0, "neighbours": 0}


@each_kind
def test_text_finds_what_it_names(kind: str) -> None:
    """Trained without text, asked with text that lies a wide gap away from all pictures."""
    prompts = some_prompts(60, seed=3)
    latents = trained(kind, STEPS[kind]).sample(
        ToyEmbedder().embed_text(prompts), seeds=range(len(prompts))
    )
    chance = share_shown(prompts, toy_pairs(60)[1])
    assert chance < 0.4
    assert share_shown(prompts, latents) > 0.8


def test_a_negative_prompt_is_kept_away_from() -> None:
    embedder, prior = ToyEmbedder(), trained("flow", 300)
    text = embedder.embed_text(["colour1"]).expand(60, -1)
    unwanted = embedder.embed_text(["mood2"]).expand(60, -1)
    plain = prior.sample(text, seeds=range(60), adherence=0.0)
    without = prior.sample(text, seeds=range(60), adherence=0.0, negative=unwanted)
    moods = [share_shown(["mood2"] * 60, latents) for latents in (plain, without)]
    assert moods[1] < moods[0] - 0.1
    assert share_shown(["colour1"] * 60, without) > 0.75
