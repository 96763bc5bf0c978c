"""What each of the bundled priors is for; what all of them promise, the laws of c2l.testing say."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

import c2l
from c2l.errors import BadInput
from c2l.prior_file import PartCard, PriorCard
from c2l.testing import ToyEmbedder, share_shown, some_prompts, toy_pairs
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH
from c2l_priors import ridge
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.flow import GUIDED, FlowPrior
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


def diffusion() -> DiffusionPrior:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = DiffusionPrior(**WIDTHS, width=16, depth=1, heads=2, head_width=8)
        torch.nn.init.normal_(prior.network.leave.weight)
    prior.fit(*some_pairs())
    return prior.eval()


def some_pairs(num: int = 30) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    latents = 3 + 2 * torch.randn(num, 2, 5, generator=rng)
    return torch.randn(num, 6, generator=rng), latents


@functools.cache
def shaken(kind: str, **settings: Any) -> c2l.Prior:
    """A fitted prior; its zero-initialised layers are not zero any more, so that they count."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = KINDS[kind](**WIDTHS, **SMALL[kind], **settings)
        for parameter in prior.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    prior.fit(*some_pairs())
    if isinstance(prior, OneStepPrior):
        prior.distilled.fill_(True)
    return prior.eval()


FLOWS = ["flow", "onestep"]
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_the_length_of_an_embedding_changes_nothing(kind: str) -> None:
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


def test_residuals_of_long_latents_are_each_codes_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As large as together, but of no use to one another."""
    embeddings, latents = some_pairs(400)
    latents[:, 1, 0] = latents[:, 0, 0]
    together = []
    for most in (10, 9):
        monkeypatch.setattr(ridge, "MOST_TOGETHER", most)
        prior = RidgePrior(**WIDTHS, spread=1.0)
        prior.fit(embeddings, latents)
        drawn = prior.sample(embeddings[:1].expand(2000, -1), seeds=range(2000)).flatten(1)
        assert torch.allclose(drawn.std(0), latents.flatten(1).std(0), rtol=0.15)
        together.append(float(torch.corrcoef(drawn.T)[0, 5]))
    assert together[0] > 0.9 and abs(together[1]) < 0.1
    assert prior.get_buffer("residual").shape == (2, 5, 5)


@pytest.mark.parametrize("kind", ["flow", "mlp", "onestep"])
def test_less_adherence_is_more_variety(kind: str) -> None:
    """Seen in the unit embedding alone: where the noise of the walk is the same."""
    prior, asked = shaken(kind), some_pairs()[0][:1].expand(200, -1)
    literal, loose = (prior.sample(asked, seeds=range(200), adherence=a) for a in (1.0, 0.0))
    assert not torch.allclose(literal, loose)


def card_of(kind: str) -> PriorCard:
    part = PartCard("toy:part", "0" * 64)
    return PriorCard(kind, dict(shaken(kind).settings()), part, part, (1, 1))


@pytest.mark.parametrize("kind", [*KINDS, "diffusion"])
def test_half_rounds_the_file_and_not_the_live_weights(kind: str, tmp_path: Path) -> None:
    prior = shaken(kind) if kind in KINDS else diffusion()
    before = {name: tensor.clone() for name, tensor in prior.state_dict().items()}
    part = PartCard("toy:part", "0" * 64)
    card = PriorCard(kind, dict(prior.settings()), part, part, (1, 1))
    sizes = []
    for half in (False, True):
        prior.save(tmp_path / "x.safetensors", card, half=half)
        stored = load_file(tmp_path / "x.safetensors")
        sizes.append(sum(t.nbytes for t in stored.values()))
        for name, tensor in prior.state_dict().items():
            assert tensor.dtype == before[name].dtype and torch.equal(tensor, before[name])
            rounded = half and (kind != "diffusion" or name.startswith("network."))
            expected = before[name].half() if rounded else before[name]
            assert torch.equal(stored[name].float(), expected.float())
    prior.card = None
    # Neighbours are rounded when they are fitted: nothing is left to save.
    assert (sizes[0] == sizes[1]) == (kind == "neighbours")


def test_files_of_neighbours_are_half_as_large_and_exact(tmp_path: Path) -> None:
    prior = shaken("neighbours")
    prior.save(tmp_path / "x.safetensors", card_of("neighbours"))
    stored = load_file(tmp_path / "x.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert torch.equal(stored["latents"].float(), prior.get_buffer("latents"))
    prior.card = None


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
    networks = [m for name, m in flow.named_children() if name.endswith("network")]
    handles = [
        n.register_forward_hook(lambda m, args, out: rows.append(len(out))) for n in networks
    ]
    try:
        flow.sample(some_pairs()[0][:1], seeds=[0], **options)
    finally:
        for handle in handles:
            handle.remove()
    return rows


@pytest.mark.parametrize("kind", [*KINDS, "diffusion"])
def test_settings_are_kept_and_checked(kind: str) -> None:
    cls = type(shaken(kind)) if kind in KINDS else DiffusionPrior
    prior = cls(**WIDTHS, **SMALL.get(kind, {"width": 8, "depth": 1}))
    assert cls(**prior.settings()).settings() == prior.settings()
    assert set(prior.settings()) == set(cls.Settings.model_fields) - {
        "num_classes",
        "stored",
        "retrieval",
        "slack",
        "guided_above",
        "guided_below",
        "whitened",
    }
    with pytest.raises(BadInput, match="hiden is an unknown key") as caught:
        cls(**WIDTHS, hiden=3)
    assert "gap" in caught.value.hint and caught.value.field == "settings"
    with pytest.raises(BadInput, match="num_codes=0 is below 1; gap=3 is"):
        cls(**{**WIDTHS, "num_codes": 0}, gap=3)


def test_one_step_is_a_flow_with_other_defaults() -> None:
    flow, onestep = (cls.Settings.model_validate(WIDTHS) for cls in (FlowPrior, OneStepPrior))
    assert onestep.model_dump() == {**flow.model_dump(), "steps": 1, "guidance": 1.0}


@pytest.mark.parametrize(("width", "latent", "own"), [(8, 8, 8), (8, 9, 256)])
def test_the_width_of_the_papers_network(width: int, latent: int, own: int) -> None:
    widths = {"embedding_width": width, "num_codes": 1, "latent_width": latent}
    with torch.device("meta"):
        for given in ({}, {"width": None}):
            prior = DiffusionPrior(**widths, depth=1, heads=1, **given)
            assert prior.settings()["width"] == prior.config.width == own
        assert DiffusionPrior(**widths, depth=1, heads=1, width=4).config.width == 4


def test_what_a_sample_costs() -> None:
    """One call for each step; guidance adds rows, not calls, and only on the way."""
    flow, onestep = shaken("flow"), shaken("onestep")
    assert calls_of_the_network(flow, guidance=1.0) == [1] * 6
    assert calls_of_the_network(flow) == [1, 1, 2, 2, 2, 1]
    assert calls_of_the_network(shaken("flow", **GUIDED)) == [1, 1, 1, 2, 2, 2]
    assert calls_of_the_network(flow, steps=1, guidance=2.0) == [2]
    assert calls_of_the_network(onestep) == [1]
    assert calls_of_the_network(onestep, guidance=0.5) == [2]
    assert calls_of_the_network(onestep, steps=2) == [1] * 2
    for steps in (1, 2):
        assert calls_of_the_network(onestep, steps=steps, guidance=2.0) == [1, 2]
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
    led = {"negative": asked, "negative_by": "guidance"}
    assert prior.sample(asked, seeds=[0, 1], guidance=2.0, **led).shape == (2, 2, 5)


@pytest.mark.parametrize("kind", FLOWS)
def test_a_negative_prompt_takes_the_place_of_nothing(kind: str) -> None:
    prior, embeddings = shaken(kind), some_pairs()[0][:4]
    led = {"seeds": range(4), "negative": some_pairs()[0][4:8], "negative_by": "guidance"}
    plain = prior.sample(embeddings, seeds=range(4))
    without = prior.sample(embeddings, **led)
    assert not torch.allclose(plain, without)
    assert torch.equal(without, prior.sample(embeddings, **led, guidance=2.0))


def test_before_it_is_distilled_one_step_draws_as_the_flow_does() -> None:
    """So the bridge that is chosen for it is the one that suits the flow."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = OneStepPrior(**WIDTHS, **SMALL["onestep"])
    prior.fit(*some_pairs())
    flow = FlowPrior(**WIDTHS, **SMALL["flow"])
    flow.fit(*some_pairs())
    flow.load_state_dict(prior.eval().state_dict(), strict=False)
    asked = some_pairs()[0][:4]
    walked = flow.eval().sample(asked, seeds=range(4))
    assert torch.equal(prior.sample(asked, seeds=range(4)), walked)
    prior.requires_grad_(False).refine(some_pairs()[0], torch.Generator().manual_seed(0))
    assert calls_of_the_network(prior) == [1]
    assert not any(p.requires_grad or p.grad is not None for p in prior.parameters())
    # The flow itself has not moved.
    usual = {"steps": flow.config.steps, "guidance": flow.config.guidance}
    assert torch.equal(prior.sample(asked, seeds=range(4), **usual), walked)


def test_one_step_lands_where_the_walk_ends() -> None:
    prior = trained("onestep", STEPS["onestep"])
    asked = ToyEmbedder().embed_text(some_prompts(200, seed=4))
    jumped = prior.sample(asked, seeds=range(200))
    walked, other = (prior.sample(asked, seeds=s, steps=8) for s in (range(200), range(200, 400)))
    far = (walked - other).square().mean()
    assert (jumped - walked).square().mean() < 0.5 * far
    # As varied: what a prompt leaves open is not averaged.
    assert jumped.std(dim=0).mean() > 0.95 * walked.std(dim=0).mean()


@given(std=st.floats(1e-3, 1e3), mean=st.floats(-1e3, 1e3), whitened=st.booleans())
def test_a_dimension_that_never_varies_stays_put(std: float, mean: float, whitened: bool) -> None:
    latents = mean + std * torch.randn(50, 1, 4, generator=torch.Generator().manual_seed(0))
    latents[:, 0, 2] = mean
    scale = LatentScale(1, 4, whitened)
    scale.fit(latents)
    flat = scale(latents)
    assert torch.isfinite(flat).all() and flat.abs().max() < 10
    wild = scale.inverse(flat + 1)
    assert (wild - latents)[:, 0, 2].abs().max() < 0.01 * std + 1e-5 * abs(mean)
    torch.testing.assert_close(scale.inverse(flat), latents, rtol=1e-4, atol=1e-3 * std)


def test_whitened_codes_vary_along_their_axes_alone() -> None:
    rng = torch.Generator().manual_seed(0)
    mixing = torch.randn(5, 5, generator=rng)
    latents = 7 + torch.randn(4000, 3, 5, generator=rng) @ mixing
    scale = LatentScale(3, 5, whitened=True)
    scale.fit(latents)
    flat = scale(latents)
    assert (flat.T.cov(correction=0) - torch.eye(15)).abs().max() < 0.1
    assert (flat.std(dim=0, correction=0) - 1).abs().max() < 1e-3
    torch.testing.assert_close(scale.inverse(flat), latents, rtol=1e-4, atol=1e-4)


def test_only_latents_of_several_codes_are_whitened() -> None:
    """A single code keeps the weights and the fingerprints it always had."""

    def suggested(num_codes: int, width: int) -> Mapping[str, Any]:
        return FlowPrior.suggest_settings(
            9000, embedding_width=6, num_codes=num_codes, latent_width=width
        )

    assert suggested(18, 512)["whitened"]
    assert not {"whitened"} & {*suggested(1, 512), *suggested(2, 4096)}
    assert "whitened" not in shaken("flow").settings()
    assert shaken("flow", whitened=True).settings()["whitened"]
    assert {*shaken("flow", whitened=True).state_dict()} > {*shaken("flow").state_dict()}


@functools.cache
def trained(kind: str, steps: int, gap: str = "") -> c2l.Prior:
    embeddings, latents = toy_pairs(3000)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = KINDS[kind](
            embedding_width=EMBEDDING_WIDTH,
            num_codes=1,
            latent_width=WIDTH,
            **({"hidden": 96, "num_blocks": 2} if steps else {}),
            **({"gap": gap} if gap else {}),
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
    prior.eval().requires_grad_(False).refine(embeddings, torch.Generator().manual_seed(0))
    return prior


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


@pytest.mark.parametrize("kind", [*STEPS, "flow by guidance"])
def test_negative_prompts_are_kept_away_from(kind: str) -> None:
    kind, _, by = kind.partition(" by ")
    gap = "blur+centring+projection" if STEPS[kind] else "centring"
    embedder, prior = ToyEmbedder(), trained(kind, STEPS[kind], gap)
    text = embedder.embed_text(["colour1"]).expand(60, -1)
    unwanted = embedder.embed_text(["mood2", "shape0"]).expand(60, -1, -1)
    plain = prior.sample(text, seeds=range(60))
    without = prior.sample(text, seeds=range(60), negative=unwanted, negative_by=by or None)
    shown = [
        sum(share_shown([name] * 60, latents) for name in ("mood2", "shape0"))
        for latents in (plain, without)
    ]
    assert shown[0] > 0.2 and shown[1] < 0.1
    assert share_shown(["colour1"] * 60, without) > 0.8
