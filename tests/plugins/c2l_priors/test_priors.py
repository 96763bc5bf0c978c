"""What every bundled prior promises, and what each of them is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize
from toys import EMBEDDING_WIDTH, WIDTH, ToyEmbedder, share_shown, some_prompts, toy_pairs

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.prior import PartCard, PriorCard
from c2l_priors.conditioning import add_noise
from c2l_priors.flow import FlowPrior
from c2l_priors.mlp import MLPPrior
from c2l_priors.neighbours import NeighboursPrior
from c2l_priors.scaling import LatentScale

torch.set_num_threads(1)
WIDTHS = {"embedding_width": 6, "num_codes": 2, "latent_width": 5}
KINDS: dict[str, Callable[..., c2l.Prior]] = {
    "flow": FlowPrior,
    "mlp": MLPPrior,
    "neighbours": NeighboursPrior,
}
SMALL: dict[str, Mapping[str, Any]] = {
    "flow": {"hidden": 16, "num_blocks": 1},
    "mlp": {"hidden": 16, "num_blocks": 1},
    "neighbours": {"num_stored": 20, "num_nearest": 4, "temperature": 0.5},
}


def some_pairs(num: int = 30) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    latents = 3 + 2 * torch.randn(num, 2, 5, generator=rng)
    return torch.randn(num, 6, generator=rng), latents


def shaken(kind: str) -> c2l.Prior:
    """A fitted prior; its zero-initialised layers are not zero any more, so that they count."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = KINDS[kind](**WIDTHS, **SMALL[kind])
        for parameter in prior.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    prior.fit(*some_pairs())
    return prior.eval()


PRIORS = {kind: shaken(kind) for kind in KINDS}
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_it_is_registered(kind: str) -> None:
    from c2l.plugins import registry

    spec = registry().kinds("prior")[kind]
    assert registry().factory(spec) is KINDS[kind]


@each_kind
@given(data=st.data(), num=st.integers(1, 9))
def test_a_row_depends_on_its_embedding_and_seed_alone(
    kind: str, data: st.DataObject, num: int
) -> None:
    prior = PRIORS[kind]
    seeds = data.draw(st.lists(st.integers(0, 2**63 - 1), min_size=num, max_size=num))
    rng = torch.Generator().manual_seed(num)
    embeddings = torch.randn(num, 6, generator=rng)
    together = prior.sample(embeddings, seeds=seeds)
    assert together.shape == (num, 2, 5) and together.dtype == torch.float32
    row = data.draw(st.integers(0, num - 1))
    alone = prior.sample(embeddings[row : row + 1], seeds=[seeds[row]])
    torch.testing.assert_close(together[row], alone[0], rtol=1e-5, atol=1e-5)


@each_kind
def test_a_prompts_length_has_no_say(kind: str) -> None:
    embeddings = some_pairs()[0][:4]
    near, far = (PRIORS[kind].sample(embeddings * s, seeds=range(4)) for s in (1, 20))
    torch.testing.assert_close(near, far, rtol=0, atol=1e-4)


@each_kind
def test_sampling_leaves_inputs_and_global_randomness_alone(kind: str) -> None:
    embeddings = some_pairs()[0][:4]
    before, state = embeddings.clone(), torch.get_rng_state()
    PRIORS[kind].sample(embeddings, seeds=range(4))
    assert torch.equal(embeddings, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", ["flow", "neighbours"])
def test_seeds_differ(kind: str) -> None:
    drawn = PRIORS[kind].sample(some_pairs()[0][:1].expand(20, -1), seeds=range(20))
    assert drawn.std(dim=0).mean() > 0.1


def test_the_mlp_has_one_answer() -> None:
    drawn = PRIORS["mlp"].sample(some_pairs()[0][:1].expand(2, -1), seeds=[0, 1])
    torch.testing.assert_close(drawn[0], drawn[1], rtol=0, atol=1e-5)


@each_kind
def test_wrong_widths_and_values(kind: str) -> None:
    prior = PRIORS[kind]
    with pytest.raises(BadInput, match=r"\(B, 6\), not \(2, 7\)"):
        prior.sample(torch.randn(2, 7), seeds=[0, 1])
    with pytest.raises(BadInput, match="2 seeds, not 3"):
        prior.sample(torch.randn(2, 6), seeds=[0, 1, 2])
    with pytest.raises(BadInput, match="0 or more"):
        prior.sample(torch.randn(1, 6), seeds=[-1])
    with pytest.raises(BadInput, match="NaN"):
        prior.sample(torch.full((1, 6), torch.nan), seeds=[0])
    fresh = KINDS[kind](**WIDTHS, **SMALL[kind])
    with pytest.raises(BadInput, match=r"should have shape \(30, 2, 5\), not \(30, 1, 5\)"):
        fresh.fit(some_pairs()[0], some_pairs()[1][:, :1])
    with pytest.raises(BadInput, match="no pairs"):
        fresh.fit(torch.empty(0, 6), torch.empty(0, 2, 5))


def card_of(kind: str) -> PriorCard:
    part = PartCard("toy:part", "0" * 64)
    return PriorCard(kind, dict(PRIORS[kind].settings()), part, part, (1, 1))


@each_kind
@pytest.mark.parametrize("half", [False, True])
def test_saved_and_loaded(kind: str, half: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    prior = PRIORS[kind]
    prior.save(path, card_of(kind), half=half)
    loaded = c2l.load_prior(str(path))
    assert loaded.settings() == prior.settings()
    assert loaded.reference == f"{kind}:{path}"
    embeddings = some_pairs()[0][:8]
    wanted, got = (p.sample(embeddings, seeds=range(8)) for p in (prior, loaded))
    if half:
        torch.testing.assert_close(got, wanted, rtol=0, atol=0.1)
    else:
        assert torch.equal(got, wanted)
    prior.card = None


@each_kind
@given(cut=st.floats(0, 0.999))
def test_truncated_files(kind: str, cut: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "x.safetensors"
    PRIORS[kind].save(path, card_of(kind))
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(BadWeights):
        c2l.load_prior(str(path))


def test_steps_and_guidance_are_the_flows() -> None:
    flow, embeddings = PRIORS["flow"], some_pairs()[0][:4]
    default = flow.sample(embeddings, seeds=range(4))
    same = flow.sample(
        embeddings,
        seeds=range(4),
        guidance=flow.settings()["guidance"],
        steps=flow.settings()["steps"],
    )
    assert torch.equal(default, same)
    for options in ({"guidance": 3.0}, {"steps": 2}):
        assert not torch.allclose(flow.sample(embeddings, seeds=range(4), **options), default)
    with pytest.raises(BadInput, match="0 steps"):
        flow.sample(embeddings, seeds=range(4), steps=0)


def test_guidance_of_one_and_of_nothing_are_the_two_answers() -> None:
    """Zero guidance forgets the embedding altogether."""
    flow, embeddings = PRIORS["flow"], some_pairs()[0][:4]
    nothing = flow.sample(embeddings, seeds=[5] * 4, guidance=0.0)
    torch.testing.assert_close(nothing, nothing[:1].expand(4, -1, -1), rtol=0, atol=1e-5)
    assert not torch.allclose(flow.sample(embeddings, seeds=[5] * 4, guidance=1.0), nothing)


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


@given(level=st.floats(0, 3))
def test_noise_turns_by_its_length(level: float) -> None:
    unit = normalize(torch.randn(200, 512, generator=torch.Generator().manual_seed(1)), dim=1)
    noisy = add_noise(unit, level, torch.Generator().manual_seed(2))
    torch.testing.assert_close(noisy.norm(dim=1), torch.ones(200))
    cosine = cosine_similarity(unit, noisy).mean()
    assert abs(float(cosine) - (1 + level**2) ** -0.5) < 0.02


@pytest.mark.parametrize("kind", ["flow", "mlp"])
def test_the_loss_is_a_function_of_its_generator(kind: str) -> None:
    prior, pairs = PRIORS[kind], some_pairs()
    losses = [
        prior.training_loss(*pairs, torch.Generator().manual_seed(seed)).item()
        for seed in (3, 3, 4)
    ]
    assert losses[0] == losses[1] != losses[2]


def trained(kind: str, steps: int, embeddings: Tensor, latents: Tensor) -> c2l.Prior:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = KINDS[kind](
            embedding_width=EMBEDDING_WIDTH,
            num_codes=1,
            latent_width=WIDTH,
            **({"hidden": 96, "num_blocks": 2} if steps else {}),
        )
    prior.fit(embeddings, latents)
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


def test_text_finds_what_it_names() -> None:
    """Trained without text, asked with text that lies a wide gap away from all pictures."""
    embeddings, latents = toy_pairs(3000)
    prompts = some_prompts(60, seed=3)
    text = ToyEmbedder().embed_text(prompts)
    shown = {
        kind: share_shown(prompts, trained(kind, steps, embeddings, latents).sample(
            text, seeds=range(len(prompts))
        ))
        for kind, steps in (("flow", 300), ("mlp", 150), ("neighbours", 0))
    }  # fmt: skip
    chance = share_shown(prompts, latents[: len(prompts)])
    print(f"chance {chance:.3f}", shown)
    assert chance < 0.4
    assert shown["neighbours"] > chance + 0.2
    assert shown["flow"] > 0.8
    assert shown["mlp"] > 0.8
