"""What BigGAN has of its own: truncation, bounded noise, and settings that weights do not tell."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch
from gan_goldens import CLOSE, DATA, Golden, opened

from c2l.errors import BadInput

PORT = DATA / "biggan_port" / "pytorch_model.bin.gz"


def test_a_truncation_draws_with_its_own_statistics() -> None:
    golden = Golden("biggan_port")
    generator = opened(PORT)
    latents = generator.map(golden.tensors["z"][:1], golden.tensors["classes"][:1].tolist())
    image = generator.synthesize(latents, truncation=0.5)[..., ::5, ::5]
    assert float((image - golden.tensors["truncated"]).abs().max()) < CLOSE * golden.std


def test_between_two_statistics_lies_what_is_between_them() -> None:
    generator = opened(PORT)  # which has those of 0, 0.1 and so on
    latents = generator.sample_latents([1])
    near, far, between = (generator.synthesize(latents, truncation=t) for t in (0.5, 0.6, 0.51))
    assert (between - near).abs().max() < (between - far).abs().max()


@pytest.mark.parametrize("name", ["biggan", "biggan_cifar"])
def test_truncation_leaves_the_class(name: str) -> None:
    generator = opened(Golden(name).path)
    latents = generator.sample_class_latents([1, 2, 3], [0, 0, 4])
    one, same, other = generator.synthesize(latents, truncation=0.0)
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


def test_noise_is_bounded_where_training_drew_it_so() -> None:
    generator = opened(PORT)
    noise = generator.sample_latents(range(4000))[..., : generator.network_settings.z_dim]
    assert noise.abs().max() <= 2
    assert noise.std() == pytest.approx(float(generator.latent_space.std[0, 0]), abs=0.01)
    unbounded = opened(Golden("biggan").path)
    assert unbounded.sample_latents(range(100))[..., :10].abs().max() > 2


def test_settings_beside_the_weights_say_which_blocks_double(tmp_path: Path) -> None:
    path = tmp_path / "biggan-deep-64-pytorch_model.bin"
    path.write_bytes(gzip.decompress(PORT.read_bytes()))
    usual = opened(path).network_settings.is_up
    assert usual == (False, True) * 4
    for name in ("biggan-deep-64-config.json", "config.json"):
        for layers, is_up in (
            ([[i > 5, 16, 16] for i in range(8)], (False,) * 6 + (True,) * 2),
            ([[True, 16, 16]], usual),
            (["True"] * 8, usual),
        ):
            (tmp_path / name).write_text(json.dumps({"layers": layers}))
            assert opened(path).network_settings.is_up == is_up
        (tmp_path / name).write_text("[1")
        assert opened(path).network_settings.is_up == usual


def test_classes_are_asked_for_one_by_one() -> None:
    generator = opened(PORT)
    z = torch.zeros(2, generator.network_settings.z_dim)
    for classes in (None, [1], [1, 5]):
        with pytest.raises(BadInput, match="class"):
            generator.map(z, classes)


def test_a_network_without_classes_finds_and_changes_none() -> None:
    generator = opened(Golden("r3gan").path)
    latents = generator.sample_latents([1])
    for asked in (
        lambda: generator.classes_of(latents),
        lambda: generator.in_classes(latents, [0]),
        lambda: generator.sample_class_latents([1], [0]),
    ):
        with pytest.raises(BadInput, match="no classes"):
            asked()
