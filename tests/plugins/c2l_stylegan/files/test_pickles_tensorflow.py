"""NVIDIA's TensorFlow pickles of every shape that their settings allow."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tensorflow_writer import Network, as_tensorflow, dump_tensorflow

from c2l.errors import BadWeights
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[3] / "data" / "stylegan"
NETWORKS = sorted(folder.name for folder in DATA.glob("sg2*"))
ORIG = "sg2-orig-cond-rgba-16"


def load(path: Path) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=path))


def assert_same(found: StyleGAN, expected: StyleGAN) -> None:
    wanted = expected.state_dict()
    tensors = found.state_dict()
    assert tensors.keys() == wanted.keys()
    for name, tensor in wanted.items():
        # The bias of the modulation is stored without its one.
        atol = 1e-6 if name.endswith("affine.bias") else 0
        torch.testing.assert_close(tensors[name], tensor, rtol=0, atol=atol, msg=name)
    w = expected.sample_latents([0, 1])
    torch.testing.assert_close(found.sample_latents([0, 1]), w, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.synthesis(w.expand(-1, found.num_ws, -1)),
        expected.synthesis(w.expand(-1, found.num_ws, -1)), rtol=0, atol=1e-5)  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_is_what_was_written(name: str, tmp_path: Path) -> None:
    network = load(DATA / name)
    gs = as_tensorflow(network)
    path = dump_tensorflow(tmp_path / "x.pkl", (None, None, gs))
    assert StyleGAN.recognises(path)
    assert_same(load(path), network)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_all_protocols_and_a_network_alone(protocol: int, tmp_path: Path) -> None:
    network = load(DATA / ORIG)
    path = dump_tensorflow(tmp_path / "x.pkl", as_tensorflow(network), protocol=protocol)
    assert_same(load(path), network)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_arrays_may_lie_in_any_order(protocol: int, tmp_path: Path) -> None:
    network = load(DATA / ORIG)
    gs = as_tensorflow(network)
    for variables in (part.variables for part in gs.components.values()):
        for i, (name, array) in enumerate(variables):
            axes = np.roll(np.arange(array.ndim), 1)
            turned = array.transpose(axes).copy(order="C")
            variables[i] = name, turned.transpose(axes.argsort())
    path = dump_tensorflow(tmp_path / "x.pkl", gs, protocol=protocol)
    assert_same(load(path), network)


def test_axes_of_an_array_are_a_permutation(tmp_path: Path) -> None:
    gs = as_tensorflow(load(DATA / ORIG))
    variables = gs.components["mapping"].variables
    array = np.moveaxis(np.zeros((2, 3, 4), np.float32), 0, 1)
    variables[0] = variables[0][0], array
    path = dump_tensorflow(tmp_path / "x.pkl", gs, protocol=5)
    data = path.read_bytes()
    axes = b"K\x01K\x00K\x02\x87"
    if axes not in data:
        pytest.skip("this numpy writes arrays in one of two orders")
    path.write_bytes(data.replace(axes, b"K\x01K\x01K\x02\x87"))
    with pytest.raises(BadWeights, match="malformed"):
        load(path)


def test_colours_may_be_named_by_their_level_of_detail(tmp_path: Path) -> None:
    network = load(DATA / ORIG)
    gs = as_tensorflow(network, by_detail=True)
    variables = gs.components["synthesis"].variables
    coarse = np.zeros((1, 1, 3, 4), np.float32)  # drawn with in training alone
    variables.append(("ToRGB_lod2/weight", coarse))
    assert_same(load(dump_tensorflow(tmp_path / "x.pkl", (gs, gs, gs))), network)


def test_rectangular_images(tmp_path: Path) -> None:
    settings = load(DATA / "sg2-cond-16").network_settings
    settings = dataclasses.replace(settings, const_size=(3, 5))
    network = StyleGAN.initialised(settings).requires_grad_(False)
    gs = as_tensorflow(network)
    gs.static_kwargs["init_res"] = [3, 5]
    found = load(dump_tensorflow(tmp_path / "x.pkl", (gs, gs, gs)))
    assert found.image_size == (12, 20)
    assert_same(found, network)


def _older(gs: Network) -> None:
    gs.version = 3


def _other_conditioning(gs: Network) -> None:
    gs.components["mapping"].variables.append(("LabelConcat/weight", np.ones((5, 32), "f4")))


def _unknown_setting(gs: Network) -> None:
    gs.static_kwargs["num_heads"] = 4


def _other_resolution(gs: Network) -> None:
    gs.static_kwargs["resolution"] = 1 << 30


def _discriminator(gs: Network) -> None:
    gs.name, gs.components = "D", {}


def _array_of_objects(gs: Network) -> None:
    gs.components["mapping"].variables[0] = ("Dense0/weight", np.array([{}], dtype=object))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_older, "version 3: a StyleGAN1 or ProGAN"),
        (_other_conditioning, "LabelConcat"),
        (_unknown_setting, "num_heads"),
        (_other_resolution, "its resolution is 1073741824, but it has 3 blocks"),
        (_discriminator, "it is the network D, not a StyleGAN2 generator"),
        (_array_of_objects, "not numbers"),
    ],
)
def test_others_are_refused(spoil: Any, message: str, tmp_path: Path) -> None:
    gs = as_tensorflow(load(DATA / "sg2-cond-16"))
    spoil(gs)
    with pytest.raises(BadWeights, match=message) as caught:
        load(dump_tensorflow(tmp_path / "x.pkl", (gs, gs, gs)))
    assert "\n" not in str(caught.value)
