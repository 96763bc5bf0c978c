"""StyleGAN2s under the names of other repositories, and wherever scripts put them in a file."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from nvidia_writer import nvidia_modules, record
from other_layouts import LAYOUTS, Net, State, mmgeneration, rosinality, small
from safetensors.torch import save_file
from torch import Tensor

import c2l
from c2l.cli.app import main
from c2l.errors import Assumed, BadWeights
from c2l_stylegan.generator import StyleGAN

LEGACY = {"_use_new_zipfile_serialization": False}
TORSO = {"final_linear.0.weight": torch.ones(3, 3)}


def load(path: Path) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=path))


def save(path: Path, value: Any, **options: Any) -> Path:
    with nvidia_modules():
        torch.save(value, path, **options)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadWeights) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_same(found: StyleGAN, wanted: StyleGAN, *, but: str = " ") -> None:
    """The same tensors, but for those whose names match, and the same picture of them."""
    theirs, ours = found.state_dict(), wanted.state_dict()
    assert theirs.keys() == ours.keys()
    for name, tensor in ours.items():
        if not re.search(but, name):
            torch.testing.assert_close(theirs[name], tensor, rtol=0, atol=1e-6, msg=name)
    w = wanted.sample_latents([0, 1])
    noise = "none" if "noise" in but else "const"
    pictures = wanted.synthesize(w, noise=noise)
    assert (found.synthesize(w, noise=noise) - pictures).abs().max() < 1e-5 * pictures.std()


def zeroed(state: State) -> State:
    """Weights that nobody wants: those in training beside their average."""
    return {name: torch.zeros_like(tensor) for name, tensor in state.items()}


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
@pytest.mark.parametrize("size", [(4, 4), (8, 4), (3, 5)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout(layout: str, size: tuple[int, int], options: Any, tmp_path: Path) -> None:
    network = small(size)
    state = LAYOUTS[layout](network)
    path = save(tmp_path / "x.pt", state, **options)
    assert StyleGAN.recognises(path)
    found = load(path)
    assert found.image_size == (size[0] * 4, size[1] * 4)
    assert_same(found, network, but="w_avg")


@pytest.mark.parametrize("layout", ["mmgeneration", "genforce"])
def test_layouts_with_classes(layout: str, tmp_path: Path) -> None:
    network = small(c_dim=4)
    found = load(save(tmp_path / "x.pt", LAYOUTS[layout](network)))
    z, labels = torch.randn(3, 24), torch.eye(4)[:3]
    torch.testing.assert_close(found.map(z, labels), network.map(z, labels))
    assert_same(found, network)


def _plain(state: State) -> Any:
    return state


def _ema(state: State) -> Any:
    return {"g": zeroed(state), "d": TORSO, "g_ema": state, "args": argparse.Namespace(size=16)}


def _g_alone(state: State) -> Any:
    return {"g": state, "d": TORSO, "g_optim": {"state": {0: {"step": 3}}}}


def _parallel(state: State) -> Any:
    return _ema({f"module.{name}": tensor for name, tensor in state.items()})


def _in_an_encoder(state: State) -> Any:
    decoder = {f"decoder.{name}": tensor for name, tensor in state.items()}
    encoder = {"encoder.input_layer.0.weight": torch.ones(2, 2), "encoder.n": torch.tensor(3)}
    return {"state_dict": {**encoder, **decoder}, "opts": {"a": 1}, "latent_avg": torch.ones(6, 24)}


def _of_basicsr(state: State) -> Any:
    return {"params": zeroed(state), "params_ema": state}


def _of_mmagic(state: State) -> Any:
    average = {f"generator_ema.module.{name}": tensor for name, tensor in state.items()}
    trained = {f"generator.{name}": tensor for name, tensor in zeroed(state).items()}
    steps = {"generator_ema.steps": torch.tensor(7), "discriminator.convs.0.w": torch.ones(2)}
    return {"meta": {"env": "x"}, "state_dict": {**trained, **steps, **average}}


def _of_genforce(state: State) -> Any:
    models = {"discriminator": TORSO, "generator": zeroed(state), "generator_smooth": state}
    return {"models": models, "running_metadata": {"iter": 9}}


def _lightning(state: State) -> Any:
    inside = {f"model.generator_ema.{name}": tensor for name, tensor in state.items()}
    return {"state_dict": inside, "pytorch-lightning_version": "2.1", "callbacks": {}}


WRAPPED = [_plain, _ema, _g_alone, _parallel, _in_an_encoder, _of_basicsr, _of_mmagic, _of_genforce,
           _lightning]  # fmt: skip


@pytest.mark.parametrize("layout", ["rosinality", "mmgeneration", "nvidia"])
@pytest.mark.parametrize("wrap", WRAPPED, ids=lambda wrap: wrap.__name__)
def test_wherever_it_lies(wrap: Any, layout: str, tmp_path: Path) -> None:
    network = small()
    state = LAYOUTS[layout](network) if layout in LAYOUTS else network.state_dict()
    path = save(tmp_path / "x.pt", wrap(state))
    assert StyleGAN.recognises(path)
    found = load(path)
    assert_same(found, network, but="w_avg" if layout != "nvidia" else " ")
    said = any("no average" in remark for remark in found.remarks)
    assert said == (wrap is _g_alone)


def test_the_mean_of_an_encoder_is_taken(tmp_path: Path) -> None:
    whole = _in_an_encoder(rosinality(small()))
    assert (load(save(tmp_path / "x.pt", whole)).mapping.w_avg == 1).all()
    whole["latent_avg"] = torch.arange(6.0)[:, None].expand(6, 24).clone()  # one for each layer
    estimated = load(save(tmp_path / "x.pt", whole)).mapping.w_avg
    assert estimated.std() > 0 and estimated.abs().max() < 5


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_modules_that_were_pickled_whole(layout: str, options: Any, tmp_path: Path) -> None:
    network = small()
    module = torch.nn.DataParallel(Net(LAYOUTS[layout](network)))
    found = load(save(tmp_path / "x.pt", {"g_ema": module, "lr": 0.1}, **options))
    assert_same(found, network, but="w_avg")


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: {"G_ema": r, "D": None, "cfg": {"a": 1}}])
@pytest.mark.parametrize("name", ["sg2-cond-16", "sg2-rect-24x40", "sg3-cond-radial-16"])
def test_nvidias_networks_in_torch_save(name: str, wrap: Any, options: Any, tmp_path: Path) -> None:
    network = load(Path(__file__).parents[3] / "data" / "stylegan" / name)
    settings = network.network_settings
    names = ("first_stopband", "last_stopband_rel", "channel_base", "channel_max")
    kwargs = {n: getattr(settings, n) for n in names if hasattr(settings, n)}
    path = save(tmp_path / "x.pt", wrap(record(network, kwargs=kwargs)), **options)
    assert StyleGAN.recognises(path)
    found = load(path)
    assert found.network_settings == settings
    assert found.fingerprint() == network.fingerprint() and not found.remarks


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize(
    "name", ["sg2-cond-16", "sg2-rect-24x40", "sg2-resnet-3taps-16", "sg3-t-32", "sg3-r-32"]
)
def test_bare_tensors_with_nvidias_names(name: str, suffix: str, tmp_path: Path) -> None:
    network = load(Path(__file__).parents[3] / "data" / "stylegan" / name)
    state = {n: t.contiguous() for n, t in network.state_dict().items()}
    path = tmp_path / f"x{suffix}"
    save_file(state, path) if suffix == ".safetensors" else save(path, {"G_ema": state})
    assert StyleGAN.recognises(path)
    found = load(path)
    assert_same(found, network)
    assert len(found.remarks) == 1 and "clamped at 256" in found.remarks[0]
    with pytest.warns(Assumed, match="it holds tensors alone"):
        c2l.load_generator(path)


def test_a_stylegan3_of_other_bands_is_not_guessed(tmp_path: Path) -> None:
    network = load(Path(__file__).parents[3] / "data" / "stylegan" / "sg3-t-32")
    state = {n: t.clone() for n, t in network.state_dict().items()}
    for name, tensor in state.items():
        if name.endswith("up_filter"):
            tensor.copy_(tensor.roll(1))
    assert "other frequencies" in refusal(save(tmp_path / "x.pt", state))


def test_what_was_assumed_is_said_once_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "x.pt", {"g": mmgeneration(small())})
    assert main(["models", "inspect", str(path)]) == 0
    told = capsys.readouterr()
    assert "blue, green and red" in told.out and not told.err
    assert main(["models", "convert", str(path), str(tmp_path / "x.safetensors")]) == 0
    told = capsys.readouterr().err
    assert told.count("warning: ") == 1 and told.count("blue, green and red") == 1
    assert "it holds no average of its generator; g is drawn with" in told
    assert_same(load(tmp_path / "x.safetensors"), load(path))


@pytest.mark.parametrize("layout", ["rosinality", "basicsr", "nvidia"])
def test_a_network_that_lost_its_classes_is_not_opened_with_a_wider_z(
    layout: str, tmp_path: Path
) -> None:
    network = small(c_dim=4)
    state = LAYOUTS[layout](network) if layout in LAYOUTS else dict(network.state_dict())
    state = {name: tensor for name, tensor in state.items() if "embed" not in name}
    told = refusal(save(tmp_path / "x.pt", {"g_ema": state}))
    assert "its mapping takes 48 numbers where z has 24" in told and "classes" in told


def test_networks_with_something_more_are_named(tmp_path: Path) -> None:
    def named(more: dict[str, Tensor], layout: str = "rosinality") -> str:
        return refusal(save(tmp_path / "x.pt", {"g_ema": {**LAYOUTS[layout](small()), **more}}))

    assert "it is a SWAGAN" in named({"iwt.ll": torch.ones(2, 2)})
    assert "joins classes to z" in named({"mapping.label_weight": torch.ones(4, 24)}, "genforce")
    for layout in LAYOUTS:
        told = named({"attention.0.weight": torch.ones(2, 2)}, layout)
        assert "it also has attention.0.weight, which no StyleGAN2 has" in told


def test_a_discriminator_alone_is_said_only_of_one(tmp_path: Path) -> None:
    def told(value: Any) -> str:
        return refusal(save(tmp_path / "x.pt", value))

    assert "only a discriminator" in told({"d": TORSO, "d_optim": {}})
    assert "only a discriminator" in told({"state_dict": TORSO})
    other = told({"g_ema": {"blocks.0.weight": torch.ones(2, 2)}, "d": TORSO})
    assert "only a disc" not in other and "g_ema.blocks.0.weight" in other


def test_maps_of_another_size_are_replaced(tmp_path: Path) -> None:
    network = small((8, 4))
    state = rosinality(network)
    square = {n: torch.randn(1, 1, 8, 8) for n in state if n.startswith("noises.")}
    found = load(save(tmp_path / "x.pt", {**state, **square}))
    assert_same(found, network, but="w_avg|noise_const")
    assert "no noise maps that fit" in found.remarks[0]
    assert found.fingerprint() == load(tmp_path / "x.pt").fingerprint()
