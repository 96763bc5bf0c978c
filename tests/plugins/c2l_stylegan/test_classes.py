"""A StyleGAN with classes draws labels, and knows the class of a w."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import c2l
from c2l.errors import BadInput
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[2] / "data" / "stylegan"
SEEDS = [85, 3, 2**40, 7]


@pytest.fixture(scope="module")
def network() -> StyleGAN:
    loaded = c2l.load_generator(f"stylegan:{DATA / 'sg2-cond-16'}")
    assert isinstance(loaded, StyleGAN)
    return loaded


def test_labels_are_drawn_from_the_seed(network: StyleGAN) -> None:
    assert network.classes is not None and network.classes.num == 5
    drawn = network.classes.draw(SEEDS)
    labels = torch.eye(5)[drawn]
    z = torch.cat([network._noise([seed]) for seed in SEEDS])
    wanted = network.map(z, labels)[:, :1]
    assert torch.allclose(network.sample_latents(SEEDS), wanted, atol=1e-5)
    assert len(set(network.classes.draw(range(100)))) == 5
    assert not torch.allclose(network.sample_latents(SEEDS), network.map(z)[:, :1], atol=1e-2)


def test_a_seed_has_one_z_for_every_class(network: StyleGAN) -> None:
    z = network._noise([85])
    for number in range(5):
        told = network.sample_class_latents([85], [number])
        assert torch.allclose(told, network.map(z, torch.eye(5)[[number]])[:, :1], atol=1e-5)


def test_statistics_are_of_drawn_labels(network: StyleGAN) -> None:
    drawn = network.sample_latents(range(2000))[:, 0]
    assert torch.allclose(network.latent_space.std[0], drawn.std(dim=0), rtol=0.15)


def test_one_without_classes_refuses_them() -> None:
    plain = c2l.load_generator(f"stylegan:{DATA / 'sg2-ada-32'}")
    assert plain.classes is None
    latents = plain.sample_latents([0])
    for call in (
        lambda: plain.sample_class_latents([0], [0]),
        lambda: plain.classes_of(latents),
        lambda: plain.in_classes(latents, [0]),
    ):
        with pytest.raises(BadInput, match="has no classes") as caught:
            call()
        assert caught.value.field == "class_label"


def test_names_lie_beside_the_weights(tmp_path: Path) -> None:
    shutil.copy(DATA / "sg2-cond-16" / "network.pkl", tmp_path / "net.pkl")
    (tmp_path / "net.classes.txt").write_text("cat\ndog\nfox\nowl\nhen\n")
    network = c2l.load_generator(f"stylegan:{tmp_path / 'net.pkl'}")
    assert network.classes is not None and network.classes.number("fox") == 2
    bare = c2l.load_generator(f"stylegan:{DATA / 'sg2-cond-16' / 'network.pkl'}")
    assert network.fingerprint() == bare.fingerprint()
    (tmp_path / "net.classes.txt").write_text("cat\ndog\n")
    with pytest.raises(BadInput, match=r"net\.classes\.txt: 5 classes have 2 names"):
        c2l.load_generator(f"stylegan:{tmp_path / 'net.pkl'}")
