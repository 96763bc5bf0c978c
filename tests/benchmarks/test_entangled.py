"""The map that entangles latents: it loses nothing, and leaves no axis as it was."""

from __future__ import annotations

import entangled
import pytest
import torch

import c2l


@pytest.fixture(scope="module")
def generator() -> entangled.Entangled:
    return entangled.Entangled(c2l.load_generator("stylegan:demo-faces", device="cpu")).eval()


def test_the_map_has_an_inverse(generator: entangled.Entangled) -> None:
    plain = generator.plain.sample_latents(range(64))
    found = generator.mixing.inverse(generator.mixing(plain))
    torch.testing.assert_close(found, plain, atol=1e-4, rtol=0)


def test_the_pictures_are_the_same(generator: entangled.Entangled) -> None:
    plain, mixed = (g.sample_latents([3]) for g in (generator.plain, generator))
    wanted = generator.plain.synthesize(plain)
    torch.testing.assert_close(generator.synthesize(mixed), wanted, atol=1e-2, rtol=0)


def test_every_number_is_mixed(generator: entangled.Entangled) -> None:
    """No mixed number stands for a plain one, and no turn of the axes would undo the map."""
    alone, together = entangled.measure_mixing(generator)
    assert alone < 0.2
    assert together < 0.8


def test_one_mixed_number_moves_all_plain_ones(generator: entangled.Entangled) -> None:
    mixed = generator.sample_latents(range(32))
    moved = mixed.clone()
    moved[..., 7] += 2
    change = (generator.mixing.inverse(moved) - generator.mixing.inverse(mixed)).flatten(1)
    spread = generator.plain.latent_space.std.flatten()
    assert float((change.abs().mean(dim=0) / spread).min()) > 0.05
