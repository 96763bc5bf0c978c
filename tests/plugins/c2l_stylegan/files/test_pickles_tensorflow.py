"""NVIDIA's TensorFlow pickles of every shape that their settings allow."""

from __future__ import annotations

import dataclasses
import re
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


def _renamed(gs: Network, height: int, width: int) -> None:
    """Blocks by both sides, and the sizes that forks with rectangles add."""
    variables = gs.components["synthesis"].variables
    for i, (name, value) in enumerate(variables):
        side, slash, rest = name.partition("/")
        if slash and side[0].isdigit():
            scale = int(side.partition("x")[0]) // 4
            variables[i] = f"{height * scale}x{width * scale}/{rest}", value
    gs.static_kwargs.update(resolution_h=height * 4, resolution_w=width * 4)


@pytest.mark.parametrize("size", [(8, 4), (4, 2), (2, 4), (3, 4), (4, 4)])
def test_blocks_may_have_the_names_of_both_sides(size: tuple[int, int], tmp_path: Path) -> None:
    settings = load(DATA / "sg2-cond-16").network_settings
    network = StyleGAN.initialised(dataclasses.replace(settings, const_size=size))
    network.requires_grad_(False)
    gs = as_tensorflow(network)
    _renamed(gs, *size)
    gs.static_kwargs.update(min_h=size[0], min_w=size[1], res_log2=2, resolution=4 * size[0])
    found = load(dump_tensorflow(tmp_path / "x.pkl", (gs, gs, gs)))
    assert found.image_size == (size[0] * 4, size[1] * 4)
    assert_same(found, network)


def test_noise_maps_of_squares_are_not_laid_over_rectangles(tmp_path: Path) -> None:
    settings = load(DATA / "sg2-cond-16").network_settings
    network = StyleGAN.initialised(dataclasses.replace(settings, const_size=(8, 4)))
    gs = as_tensorflow(network.requires_grad_(False))
    _renamed(gs, 8, 4)
    variables = gs.components["synthesis"].variables
    for i, (name, value) in enumerate(variables):
        if re.fullmatch(r"noise\d+", name):
            side = value.shape[2]
            variables[i] = name, np.ones((1, 1, side, side), "f4")
    found = load(dump_tensorflow(tmp_path / "x.pkl", gs))
    assert "no noise maps that fit" in found.remarks[0]
    w = network.sample_latents([0])
    expected = network.synthesize(w, noise="none")
    torch.testing.assert_close(found.synthesize(w, noise="none"), expected, rtol=0, atol=1e-5)


HARMLESS = {
    **{"impl": "cuda", "resolution_w": 16, "resolution_h": -1, "fmap_base": 8192, "fmap_max": 512},
    **{"fmap_decay": 1.0, "fmap_min": 1, "dtype": "float32", "randomize_noise": False},
    **{"dlatent_avg_beta": 0.995, "truncation_psi_val": None, "normalize_latents": True},
    **{"use_attention": False, "mapping_layers": 2, "dlatent_size": 32, "structure": "auto"},
    **{"is_validation": False, "synthesis_func": "G_synthesis_stylegan2", "label_size": 5},
}


def test_settings_that_change_nothing_are_ignored(tmp_path: Path) -> None:
    network = load(DATA / "sg2-cond-16")
    gs = as_tensorflow(network)
    gs.static_kwargs.update(HARMLESS, mapping_layers=network.network_settings.mapping.num_layers)
    assert_same(load(dump_tensorflow(tmp_path / "x.pkl", gs)), network)


def test_a_setting_that_the_source_does_not_mention_is_ignored(tmp_path: Path) -> None:
    network = load(DATA / "sg2-cond-16")
    gs = as_tensorflow(network)
    gs.build_module_src = "def G_main(latents, num_tails=3, **_kwargs):\n    raise SystemExit\n"
    gs.static_kwargs["num_heads"] = 4
    assert_same(load(dump_tensorflow(tmp_path / "x.pkl", gs)), network)
    gs.static_kwargs["num_tails"] = 4
    with pytest.raises(BadWeights, match="settings that are not known: num_tails"):
        load(dump_tensorflow(tmp_path / "x.pkl", gs))


@pytest.mark.parametrize(
    ("name", "value"),
    [("resolution_w", 32), ("min_h", 8), ("res_log2", 7), ("latent_size", 512), ("label_size", 0),
     ("num_channels", 1), ("mapping_layers", 8), ("init_res", [4, 6])],
)  # fmt: skip
def test_sizes_are_held_against_the_tensors(name: str, value: Any, tmp_path: Path) -> None:
    gs = as_tensorflow(load(DATA / "sg2-cond-16"))
    gs.static_kwargs[name] = value
    with pytest.raises(BadWeights, match=f"its {name} is .*, but its tensors are of a network"):
        load(dump_tensorflow(tmp_path / "x.pkl", gs))


@pytest.mark.parametrize(
    ("name", "value"), [("use_attention", True), ("normalize_latents", False), ("final_tanh", True)]
)
def test_settings_that_draw_otherwise_are_refused_by_name(
    name: str, value: Any, tmp_path: Path
) -> None:
    gs = as_tensorflow(load(DATA / "sg2-cond-16"))
    gs.static_kwargs[name] = value
    with pytest.raises(BadWeights, match=f"made with {name}={value}, which draws otherwise"):
        load(dump_tensorflow(tmp_path / "x.pkl", gs))


def test_layers_that_no_stylegan2_has_are_named(tmp_path: Path) -> None:
    gs = as_tensorflow(load(DATA / "sg2-cond-16"))
    more = ("16x16/SelfAtten/gamma", np.ones(1, "f4"))
    gs.components["synthesis"].variables.append(more)
    with pytest.raises(BadWeights, match="it also has synthesis/16x16/SelfAtten/gamma"):
        load(dump_tensorflow(tmp_path / "x.pkl", gs))


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
        (
            _other_resolution,
            "its resolution is 1073741824, but its tensors are of a network with 16",
        ),
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
