"""Ours against NVIDIA's implementations, case by case."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[3] / "data" / "stylegan"
NETWORKS = sorted(folder.name for folder in DATA.iterdir() if folder.is_dir())


@lru_cache
def network(name: str) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=DATA / name))


@lru_cache
def golden(name: str) -> dict[str, Tensor]:
    return load_file(DATA / name / "golden.safetensors")


def cases(prefix: str, without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [
        (name, key)
        for name in NETWORKS
        for key in sorted(golden(name))
        if key.startswith(prefix) and key not in without
    ]


@pytest.mark.parametrize(("name", "key"), cases("ws", without=("ws_mixed",)))
def test_mapping(name: str, key: str) -> None:
    told = json.loads((DATA / name / "golden.json").read_text())
    arguments: dict[str, dict[str, float]] = {
        "ws": {},
        "ws_psi": {"truncation": told["truncation_psi"]},
        "ws_psi_cutoff": {
            "truncation": told["cutoff_case"]["truncation_psi"],
            "truncation_cutoff": told["cutoff_case"]["truncation_cutoff"],
        },
    }
    tensors = golden(name)
    ws = network(name).map(tensors["z"], tensors.get("c"), **arguments[key])
    torch.testing.assert_close(ws, tensors[key], rtol=0, atol=1e-5)


def _images(name: str, key: str) -> Tensor:
    tensors = golden(name)
    ws = tensors.get(key.replace("img", "ws"), tensors["ws"])
    return network(name).synthesis(ws, noise="none" if key == "img_none" else "const")


def _images_with_gradients(name: str, key: str) -> Tensor:
    for parameter in network(name).parameters():
        parameter.requires_grad_(True)
    try:
        return _images(name, key).detach()
    finally:
        network(name).requires_grad_(False)


@pytest.mark.parametrize("compute", [_images, _images_with_gradients])
@pytest.mark.parametrize(("name", "key"), cases("img"))
def test_synthesis(name: str, key: str, compute: Callable[[str, str], Tensor]) -> None:
    if key == "img_transform":
        place = network(name).synthesis.input.transform
        before = place.clone()
        place.copy_(golden(name)["transform"])
    try:
        images = compute(name, key)
    finally:
        if key == "img_transform":
            place.copy_(before)
    torch.testing.assert_close(images, golden(name)[key], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_state_dict_has_the_official_names_and_values(name: str) -> None:
    stored = load_file(DATA / name / "weights.safetensors")
    state = network(name).state_dict()
    assert state.keys() == stored.keys()
    for key, tensor in stored.items():
        assert torch.equal(state[key], tensor), key


@pytest.mark.parametrize("name", ["sg3-t-32", "sg3-r-32", "sg2-ada-32"])
def test_filters_are_designed_as_the_stored_ones(name: str) -> None:
    stored = load_file(DATA / name / "weights.safetensors")
    fresh = StyleGAN.initialised(network(name).network_settings).state_dict()
    filters = [key for key in stored if key.endswith("_filter")]
    assert filters
    for key in filters:
        torch.testing.assert_close(fresh[key], stored[key], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    generator, ws = network(name), golden(name)["ws_mixed"][:1]
    torch.manual_seed(0)
    weights = torch.randn_like(generator.synthesis(ws))
    leaf = ws.clone().requires_grad_()
    loss = (generator.synthesis(leaf) * weights).sum()
    (slope,) = torch.autograd.grad(loss, leaf)
    # Against the steepest direction, where the difference stands out from rounding.
    step = slope / slope.norm() * 1e-2
    with torch.no_grad():
        ahead = (generator.synthesis(ws + step) * weights).double().sum()
        behind = (generator.synthesis(ws - step) * weights).double().sum()
    measured = float(ahead - behind) / 2e-2
    assert measured == pytest.approx(float(slope.norm()), rel=2e-2)
