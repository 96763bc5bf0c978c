"""Ways down: how varied their samples are, and what they ask of the network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.diffusion_network import Contexts
from c2l_priors.diffusion_samplers import SAMPLERS, SamplerName
from c2l_priors.diffusion_schedule import NoiseSchedule

DATA = Path(__file__).parents[2] / "data" / "c2l-prior"
WIDTH = 16


@pytest.fixture(scope="module")
def tiny() -> DiffusionPrior:
    prior = c2l.load_prior(f"diffusion:{DATA / 'tiny' / 'checkpoint.ckpt'}")
    assert isinstance(prior, DiffusionPrior)
    return prior


WIDTHS = {"embedding_width": 12, "num_codes": 2, "latent_width": 5}


@pytest.fixture
def sampler() -> SamplerName:
    """Of ``fresh``; a test may parametrise it."""
    return "dpm++2m"


@pytest.fixture
def fresh(sampler: SamplerName) -> DiffusionPrior:
    """A prior of other widths than its network's, with a full set of timesteps."""
    torch.manual_seed(0)
    prior = DiffusionPrior(**WIDTHS, width=16, depth=2, heads=2, head_width=8, sampler=sampler)
    torch.nn.init.normal_(prior.network.leave.weight)
    return prior.eval()


def spread(sampler: SamplerName, steps: int, variance: float) -> float:
    """The samples' deviation by the true one, for Gaussian latents and a perfect predictor.

    Everything is linear then. Noise along one axis for each draw gives the samples' weights on
    the draws, and so their exact deviation.
    """
    schedule = NoiseSchedule(1000)
    signal = schedule.alphas_cumprod.double()

    def predict(x: Tensor, ahead: Sequence[int]) -> Tensor:
        a = signal[ahead[0]]
        return variance * a.sqrt() / (variance * a + 1 - a) * x

    axes: Iterator[Tensor] = iter(torch.eye(steps + 1, dtype=torch.float64))
    return float(SAMPLERS[sampler].run(predict, schedule, steps, axes).norm() / variance**0.5)


@pytest.mark.parametrize(
    ("sampler", "steps", "expected"),
    [
        ("ddpm", 1000, (1.00, 0.99, 0.98)),
        ("skip", 4, (0.39, 0.20, 0.37)),
        ("ddim", 10, (0.87, 0.79, 0.51)),
        ("ddim", 50, (0.98, 0.96, 0.88)),
        ("dpm++2m", 6, (0.98, 0.97, 0.90)),
        ("dpm++2m", 10, (1.03, 1.02, 0.98)),
        ("dpm++2m", 20, (1.01, 1.01, 0.99)),
    ],
)
def test_spread(sampler: SamplerName, steps: int, expected: tuple[float, ...]) -> None:
    """The table in the module's docstring."""
    found = [spread(sampler, steps, variance) for variance in (1.0, 0.1, 0.01)]
    assert found == pytest.approx(expected, abs=0.006)


def test_the_default_is_as_varied_in_ten_calls_as_a_thousand(tiny: DiffusionPrior) -> None:
    assert (tiny.config.sampler, SAMPLERS[tiny.config.sampler].steps) == ("dpm++2m", 10)
    for variance in (1.0, 0.2, 0.03):
        assert spread("dpm++2m", 10, variance) == pytest.approx(
            spread("ddpm", 1000, variance), rel=0.05
        )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_one_call_of_the_network_for_each_step(fresh: DiffusionPrior, guidance: float) -> None:
    batches: list[tuple[int, int]] = []

    def count(_module: object, inputs: tuple[Any, ...], _output: object) -> None:
        x, given = inputs
        batches.append((len(x), given.times.numel() if isinstance(given, Contexts) else 0))

    fresh.network.register_forward_hook(count)
    embeddings = torch.randn(1, 12).expand(3, -1)
    fresh.sample(embeddings, seeds=[0, 1, 2], guidance=guidance, steps=5)
    halves = 2 if guidance not in {0.0, 1.0} else 1
    # Three samples of one prompt share one context, and one more without the prompt; the first
    # call sees to the times of all.
    assert batches == [(3 * halves, 5 * halves)] + [(3 * halves, 0)] * 4


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("ahead", [1, 3, 10])
def test_guidance_and_shared_contexts_change_nothing(
    fresh: DiffusionPrior, sampler: SamplerName, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``sample_from_noise`` against a plain walk by ``denoise``, which shares nothing."""
    monkeypatch.setattr("c2l_priors.diffusion_guided.AHEAD", ahead)
    rng = torch.Generator().manual_seed(1)
    embeddings = torch.randn(2, 12, generator=rng)[torch.tensor([0, 1, 0])]
    noise = [torch.randn(3, 2, 5, generator=rng) for _ in range(5)]

    def plain(x: Tensor, ahead: Sequence[int]) -> Tensor:
        times, keep = torch.full((3,), ahead[0]), torch.ones(3, dtype=torch.bool)
        with_prompt = fresh.denoise(x, times, embeddings, keep)
        without = fresh.denoise(x, times, embeddings, ~keep)
        return without + 3.0 * (with_prompt - without)

    x = SAMPLERS[sampler].run(plain, fresh.schedule, 4, iter(noise))
    expected = fresh.scale.inverse(x.flatten(1))
    found = fresh.sample_from_noise(embeddings, noise, sampler=sampler, steps=4, guidance=3.0)
    assert (found - expected).abs().max() < 1e-5 * expected.std()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_belongs_to_a_row(fresh: DiffusionPrior) -> None:
    embeddings = torch.randn(4, 12, generator=torch.Generator().manual_seed(2))
    together = fresh.sample(embeddings, seeds=[5, 6, 7, 8], steps=4)
    alone = fresh.sample(embeddings[2:3], seeds=[7], steps=4)
    assert torch.allclose(together[2:3], alone, atol=1e-5)
    other = fresh.sample(embeddings[2:3], seeds=[9], steps=4)
    assert (alone - other).abs().max() > 1e-3
    assert torch.isfinite(together).all()
    assert fresh.sample(embeddings[:0], seeds=[], steps=4).shape == (0, 2, 5)


def test_what_is_drawn_from_the_iterator(tiny: DiffusionPrior) -> None:
    embeddings = torch.ones(2, WIDTH)
    cases: list[tuple[SamplerName, int, int]] = [
        ("skip", 4, 4),
        ("ddpm", 5, 5),
        ("ddim", 4, 1),
        ("dpm++2m", 4, 1),
    ]
    for sampler, steps, wanted in cases:
        noise = (torch.zeros(2, WIDTH) for _ in range(100))
        tiny.sample_from_noise(embeddings, noise, sampler=sampler, steps=steps, guidance=2.0)
        assert sum(1 for _ in noise) == 100 - wanted


def test_truncation_pulls_towards_the_mean(tiny: DiffusionPrior) -> None:
    embeddings = torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(3))
    noise = [c2l.draw_normal([0, 1, 2], WIDTH)]
    full, half = (
        tiny.sample_from_noise(
            embeddings, noise, sampler="dpm++2m", steps=8, guidance=2.0, truncation=truncation
        )
        for truncation in (1.0, 0.5)
    )
    assert torch.allclose(half, (full + tiny.scale.mean) / 2, atol=1e-5)
    assert torch.equal(full, tiny.sample(embeddings, seeds=[0, 1, 2]))


def test_lower_precision_stays_near(fresh: DiffusionPrior) -> None:
    embeddings = torch.randn(3, 12, generator=torch.Generator().manual_seed(4))
    exact = fresh.sample(embeddings, seeds=[0, 1, 2], steps=4)
    fresh.compute_in(torch.bfloat16)
    rough = fresh.sample(embeddings, seeds=[0, 1, 2], steps=4)
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).norm() / exact.norm() < 0.1


def test_what_cannot_be_asked(tiny: DiffusionPrior) -> None:
    embeddings, start = torch.ones(1, WIDTH), torch.zeros(1, WIDTH)
    with pytest.raises(BadInput, match="this prior cannot take 9 steps") as caught:
        tiny.sample(embeddings, seeds=[0], steps=9)
    assert (caught.value.field, caught.value.hint) == ("steps", "Use `steps` from 1 to 8")
    asked: dict[str, Any] = {"sampler": "skip", "steps": 4, "guidance": 2.0}
    for change, noise, says in (
        ({"sampler": "euler"}, [start] * 9, "no sampler 'euler'"),
        ({"steps": 3}, [start] * 9, "3 of 8 timesteps"),
        ({"steps": 9}, [start] * 9, "9 steps"),
        ({"steps": 0}, [start] * 9, "`steps=0` is below 1"),
        ({"guidance": float("nan")}, [start] * 9, "guidance"),
        ({}, [start], "ran out"),
        ({}, itertools.repeat(torch.zeros(3)), "shape"),
    ):
        with pytest.raises(BadInput, match=says) as caught:
            tiny.sample_from_noise(embeddings, noise, **{**asked, **change})
        assert caught.value.hint and caught.value.field
    with pytest.raises(BadInput, match="this prior takes embeddings"):
        tiny.sample_from_noise(embeddings[:, 1:], [start], **asked)
    assert tiny.sample_from_noise(embeddings[:0], [start[:0]], **asked).shape == (0, 1, WIDTH)
    x_t, t, keep = torch.zeros(1, 1, WIDTH), torch.tensor([0]), torch.tensor([True])
    with pytest.raises(BadInput, match="timestep"):
        tiny.denoise(x_t, t + 8, embeddings, keep)
    with pytest.raises(BadInput, match="x_t should have shape"):
        tiny.denoise(x_t[0], t, embeddings, keep)


def test_without_dropping_there_is_no_guidance() -> None:
    prior = DiffusionPrior(
        embedding_width=4, num_codes=1, latent_width=4, depth=1, num_timesteps=8, drop=0.0
    )
    prior.sample(torch.ones(1, 4), seeds=[0])
    with pytest.raises(BadInput, match="cannot be guided"):
        prior.sample(torch.ones(1, 4), seeds=[0], guidance=2.0)
