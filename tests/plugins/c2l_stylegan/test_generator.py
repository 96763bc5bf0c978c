"""Properties of the generator's public methods."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from c2l.errors import BadInput
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.noise import row_generators

DATA = Path(__file__).parents[2] / "data" / "stylegan"
BOTH = pytest.mark.parametrize("name", ["sg2-ada-32", "sg3-t-32"])
SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3, unique=True)
quick = settings(max_examples=3, deadline=None)


@lru_cache
def network(name: str) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=DATA / name))


def assert_same(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "noise"), [("sg2-ada-32", "const"), ("sg2-ada-32", "random"), ("sg3-t-32", "const")]
)
@quick
@given(first=st.integers(0, 2**64 - 5))
def test_an_image_is_the_same_in_any_batch(name: str, noise: str, first: int) -> None:
    generator = network(name)
    seeds = [first + i for i in range(4)]
    latents = generator.sample_latents(seeds)
    four = generator.synthesize(latents, truncation=0.7, noise=noise)
    for batch in (1, 2):
        alone = generator.sample_latents(seeds[1 : 1 + batch])
        images = generator.synthesize(alone, truncation=0.7, noise=noise)
        # Rounding may differ with the size of a batch, and these networks amplify: images of
        # random wfours reach values above ten.
        scale = max(1.0, float(four.abs().max()))
        assert_same(images / scale, four[1 : 1 + batch] / scale)


@BOTH
def test_seeds_are_those_of_numpy(name: str) -> None:
    generator = network(name)
    z = np.random.RandomState(85).randn(1, generator.network_settings.z_dim)
    assert_same(
        generator.sample_latents([7, 85])[1:],
        generator.map(torch.from_numpy(z).float())[:, :1],
    )


def test_seeds_above_32_bits_are_all_their_own() -> None:
    generator = network("sg2-ada-32")
    low, high = 5, 3
    seeds = [low, high, low + (high << 32), high + (low << 32), low << 32, 2**32, 2**64 - 1, 0]
    latents = generator.sample_latents(seeds)[:, 0]
    distances = torch.cdist(latents, latents) + torch.eye(len(seeds))
    assert distances.min() > 0.1
    z = np.random.RandomState([low, high]).randn(1, generator.network_settings.z_dim)
    assert_same(latents[2][None], generator.map(torch.from_numpy(z).float())[:, 0])


@BOTH
def test_global_randomness_is_left_alone(name: str) -> None:
    generator = network(name)
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(3), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    generator.synthesize(generator.sample_latents([1]), noise="random")
    StyleGAN.initialised(generator.network_settings)
    StyleGAN.load(SimpleNamespace(path=DATA / name))
    assert torch.equal(torch.rand(3), expected[0])
    assert np.random.rand() == expected[1]


def test_initial_weights_are_those_of_torchs_own_stream() -> None:
    """Whatever else draws from it meanwhile, and with none of its state changed."""
    for name in ("sg2-ada-32", "sg3-t-32"):
        settings_ = network(name).network_settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            expected = StyleGAN(settings_).state_dict()
        made = StyleGAN.initialised(settings_, seed=7).state_dict()
        assert all(torch.equal(made[key], expected[key]) for key in expected)


def test_statistics_found_in_inference_mode_serve_gradients_too() -> None:
    generator = StyleGAN.initialised(network("sg2-cond-16").network_settings)
    with torch.inference_mode():
        generator.synthesize(torch.zeros(1, 1, 32), truncation=0.5)
    w = torch.zeros(1, 1, 32, requires_grad=True)
    generator.synthesize(w, truncation=0.5).sum().backward()
    assert w.grad is not None


def test_random_noise_differs_between_latents_and_from_the_stored() -> None:
    generator = network("sg2-ada-32")
    w = generator.sample_latents([0])
    other = generator.sample_latents([1])
    fresh = generator.synthesize(w, noise="random")
    assert torch.equal(fresh, generator.synthesize(w, noise="random"))
    assert (fresh - generator.synthesize(w)).abs().mean() > 1e-2
    seeds = [generator_.initial_seed() for generator_ in row_generators(torch.cat([w, other]))]
    assert seeds[0] != seeds[1]


@BOTH
def test_latent_space(name: str) -> None:
    generator = network(name)
    space = generator.latent_space
    assert (space.num_codes, space.width) == (1, 32)
    assert space.repeats == (generator.num_ws,)
    assert torch.equal(space.mean[0], generator.mapping.w_avg)
    drawn = generator.sample_latents(range(2000))[:, 0]
    # Two estimates from different latents: alike over all numbers, roughly for each.
    torch.testing.assert_close(space.std[0].norm(), drawn.std(dim=0).norm(), rtol=0.05, atol=0)
    torch.testing.assert_close(space.std[0], drawn.std(dim=0), rtol=0.3, atol=0)
    assert generator.image_size == (32, 32)


def test_a_network_without_a_stored_mean_is_truncated_towards_an_estimate() -> None:
    generator = network("sg2-resnet-grey-16")
    assert "mapping.w_avg" not in generator.state_dict()
    drawn = generator.sample_latents(range(4000))[:, 0].mean(dim=0)
    torch.testing.assert_close(generator.latent_space.mean[0], drawn, rtol=0, atol=0.05)
    image = generator.synthesize(generator.sample_latents([0]), truncation=0)
    assert_same(image, generator.synthesize(generator.latent_space.mean[None]))


def test_images_always_have_three_channels() -> None:
    grey = network("sg2-resnet-grey-16")
    w = grey.sample_latents([0])
    images = grey.synthesize(w)
    assert images.shape == (1, 3, 16, 16)
    assert torch.equal(images[:, :1], grey.synthesis(w.repeat(1, grey.num_ws, 1)))
    assert torch.equal(images[:, 0], images[:, 2])
    assert network("sg2-orig-cond-rgba-16").synthesize(torch.zeros(2, 1, 16)).shape[1] == 3


def test_labels() -> None:
    generator = network("sg2-cond-16")
    z = torch.randn(2, 32, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(2, 5)
    assert torch.equal(generator.map(z), generator.map(z, zeros))
    assert not torch.allclose(generator.map(z), generator.map(z, torch.eye(5)[:2]))
    with pytest.raises(BadInput, match=r"class_labels have shape \(2, 5\)"):
        generator.map(z, torch.zeros(2, 4))


def test_intermediate_images_grow_into_the_final_one() -> None:
    generator = network("sg2-ada-32")
    ws = generator.sample_latents([0, 1]).repeat(1, generator.num_ws, 1)
    images = generator.synthesis.images(ws)
    assert [image.shape[-1] for image in images] == [4, 8, 16, 32]
    assert torch.equal(images[-1], generator.synthesis(ws))
    early = generator.synthesis.images(ws, until=16)
    assert len(early) == 3
    assert torch.equal(early[-1], images[2])


@pytest.mark.parametrize("name", ["sg2-ada-32", "sg2-resnet-3taps-16", "sg3-t-32", "sg3-r-32"])
def test_every_weight_can_be_trained(name: str) -> None:
    generator = StyleGAN.initialised(network(name).network_settings)
    z = torch.randn(2, generator.network_settings.z_dim)
    generator.synthesize(generator.map(z)).square().mean().backward()
    for key, parameter in generator.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # A strength of zero still has a slope.
        assert parameter.grad.any(), key


@BOTH
def test_other_bad_input(name: str) -> None:
    generator = network(name)
    with pytest.raises(BadInput, match="z has shape"):
        generator.map(torch.zeros(2, 31))
    for seed in (-1, 2**64):
        with pytest.raises(BadInput, match="from 0 to 18446744073709551615") as caught:
            generator.sample_latents([0, seed])
        assert caught.value.field == "seeds"
    with pytest.raises(BadInput, match="noise"):
        generator.synthesize(generator.sample_latents([0]), noise="loud")


@pytest.mark.parametrize("architecture", ["skip", "resnet"])
@pytest.mark.parametrize(
    "rows", [((1.0, 3.0, 3.0, 1.0),), ((1.0, 3.0, 3.0, 1.0), (2.0, 1.0, 5.0, 0.0))]
)
def test_filters_need_not_be_square(rows: tuple[tuple[float, ...], ...], architecture: str) -> None:
    """Rows and columns of zeros around a filter change nothing."""
    nothing = (0.0, 0.0, 0.0, 0.0)
    base = dataclasses.replace(network("sg2-ada-32").network_settings, architecture=architecture)
    w = network("sg2-ada-32").sample_latents([0, 1])

    def drawn(taps: tuple[tuple[float, ...], ...]) -> Tensor:
        made = StyleGAN.initialised(dataclasses.replace(base, resample_filter=taps))
        return made.requires_grad_(False).synthesize(w)

    assert_same(drawn(rows), drawn((nothing, *rows, nothing)))
    turned = tuple(zip(*rows, strict=True))
    assert_same(drawn(turned), drawn(tuple((0.0, *row, 0.0) for row in turned)))
