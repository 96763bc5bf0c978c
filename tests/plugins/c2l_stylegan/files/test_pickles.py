"""NVIDIA's pickles and rosinality's checkpoints: what they hold is what is drawn."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from nvidia_writer import dump, record
from safetensors.torch import load_file, save_file

from c2l.cli.app import main
from c2l.errors import BadWeights
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[3] / "data"
PICKLED = sorted(DATA.glob("stylegan/*/network.pkl"))
FILES = [*PICKLED, *sorted(DATA.glob("stylegan-files/*/network.pkl"))]
ROSINALITY = DATA / "stylegan-files" / "rosinality-32" / "model.pt"
OTHERS = sorted(
    folder.name
    for folder in (DATA / "stylegan").iterdir()
    if folder.is_dir() and not (folder / "network.pkl").exists()
)


def load(path: Path) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=path))


def name_of(path: Path) -> str:
    return path.parent.name


@pytest.mark.parametrize("path", [*FILES, ROSINALITY], ids=name_of)
def test_official_outputs(path: Path) -> None:
    assert StyleGAN.recognises(path)
    network = load(path)
    golden = load_file(path.parent / "golden.safetensors")
    ws = network.map(golden["z"], golden.get("c"))
    torch.testing.assert_close(ws, golden["ws"], rtol=0, atol=1e-5)
    near = network.map(golden["z"], golden.get("c"), truncation=0.7)
    torch.testing.assert_close(near, golden["ws_psi"], rtol=0, atol=1e-5)
    for name in ("img", "img_none", "img_mixed"):
        if name in golden:
            noise = "none" if name == "img_none" else "const"
            ws = golden["ws_mixed" if name == "img_mixed" else "ws"]
            scale = golden[name].std()
            images = network.synthesis(ws, noise=noise)
            torch.testing.assert_close(images / scale, golden[name] / scale, rtol=0, atol=1e-4)


@pytest.mark.parametrize("path", PICKLED, ids=name_of)
def test_a_pickle_is_the_network_whose_state_dict_lies_beside_it(path: Path) -> None:
    assert load(path).fingerprint() == load(path.parent / "weights.safetensors").fingerprint()


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("name", ["sg2-resnet-grey-16", "sg3-cond-radial-16"])
def test_all_protocols(name: str, protocol: int, tmp_path: Path) -> None:
    network = load(DATA / "stylegan" / name)
    path = dump(tmp_path / "x.pkl", {"G_ema": _record(network)}, protocol=protocol)
    assert StyleGAN.recognises(path)
    assert _state(load(path)) == _state(network)


@pytest.mark.parametrize("name", OTHERS)
def test_settings_are_those_of_the_layers(name: str, tmp_path: Path) -> None:
    network = load(DATA / "stylegan" / name)
    path = dump(tmp_path / "x.pkl", {"G": None, "D": None, "G_ema": _record(network)})
    again = load(path)
    assert _state(again) == _state(network)
    w = network.sample_latents([0])
    assert torch.equal(again.synthesize(w), network.synthesize(w))


@pytest.mark.parametrize("num_layers", [1, 4])
@pytest.mark.parametrize("lrelu_upsampling", [1, 2])
def test_no_layer_need_be_critical(num_layers: int, lrelu_upsampling: int, tmp_path: Path) -> None:
    settings = dataclasses.replace(
        load(DATA / "stylegan" / "sg3-r-32").network_settings,
        num_layers=num_layers,
        num_critical=0,
        lrelu_upsampling=lrelu_upsampling,
    )
    network = StyleGAN.initialised(settings)
    path = dump(tmp_path / "x.pkl", {"G_ema": _record(network)})
    assert load(path).network_settings == settings
    assert _state(_converted(path)) == _state(network)


def _record(network: StyleGAN) -> object:
    settings = network.network_settings
    names = ("first_stopband", "last_stopband_rel", "channel_base", "channel_max")
    return record(network, kwargs={n: getattr(settings, n) for n in names if hasattr(settings, n)})


def _state(network: StyleGAN) -> dict[str, list[object]]:
    return {name: tensor.tolist() for name, tensor in network.state_dict().items()}


def test_tensors_may_lie_channels_last_and_in_half_precision(tmp_path: Path) -> None:
    network = load(DATA / "stylegan" / "sg2-cond-16")
    expected = _state(network)
    conv = network.synthesis.b16.conv1
    conv.weight = torch.nn.Parameter(conv.weight.to(memory_format=torch.channels_last))
    conv.bias = torch.nn.Parameter(conv.bias.half())
    again = _state(load(dump(tmp_path / "x.pkl", {"G_ema": record(network)})))
    halved = "synthesis.b16.conv1.bias"
    assert again.pop(halved) == torch.tensor(expected.pop(halved)).half().float().tolist()
    assert again == expected


def test_layers_may_have_older_names(tmp_path: Path) -> None:
    network = load(DATA / "stylegan" / "sg3-up4-16")
    whole = _record(network)
    synthesis = whole.meta["state"]["_modules"]["synthesis"].meta["state"]  # type: ignore[attr-defined]
    modules = synthesis["_modules"]
    names = {name: f"L{i}" for i, name in enumerate(synthesis["layer_names"])}
    synthesis["_modules"] = {names.get(name, name): value for name, value in modules.items()}
    del synthesis["layer_names"]
    assert _state(load(dump(tmp_path / "x.pkl", {"G_ema": whole}))) == _state(network)


def test_what_is_converted_is_the_same_network(tmp_path: Path) -> None:
    for path in (FILES[0], FILES[-1], ROSINALITY):
        target = tmp_path / f"{name_of(path)}.safetensors"
        assert main(["models", "convert", str(path), str(target)]) == 0
        assert load(target).fingerprint() == load(path).fingerprint()
    half = tmp_path / "half.safetensors"
    assert main(["models", "convert", str(FILES[0]), str(half), "--half"]) == 0
    assert (
        half.stat().st_size < 0.8 * (tmp_path / f"{name_of(FILES[0])}.safetensors").stat().st_size
    )


def test_inspect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "stylegan" / "sg2-cond-16" / "network.pkl"
    assert main(["models", "inspect", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    parameters = sum(p.numel() for p in load(path).parameters())
    assert (told["family"], told["resolution"], told["classes"]) == ("stylegan2", 16, 5)
    assert (told["z_dim"], told["w_dim"], told["num_ws"]) == (32, 32, 6)
    assert told["parameters"] == parameters
    assert len(told["sha256"]) == 64
    beside = StyleGAN.describe(path.parent / "weights.safetensors")
    assert beside.items() <= told.items()


def test_conversion_names_what_it_cannot_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "convert", str(FILES[0]), str(tmp_path / "x.pt")]) != 0
    assert "does not end in .safetensors" in capsys.readouterr().err
    assert (
        main(["models", "convert", str(tmp_path / "absent.pkl"), str(tmp_path / "x.safetensors")])
        != 0
    )
    assert not list(tmp_path.iterdir())


def test_training_checkpoints_of_rosinality(tmp_path: Path) -> None:
    whole = torch.load(ROSINALITY, weights_only=True)
    checkpoint = {
        "g_ema": whole["g_ema"],
        "g": {name: torch.zeros_like(tensor) for name, tensor in whole["g_ema"].items()},
        "d": {"final_linear.1.weight": torch.zeros(1, 8)},
        "g_optim": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 0.002, "params": [0]}]},
        "args": argparse.Namespace(size=32, latent=64, path="x"),
        "ada_aug_p": 0,
    }
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        path = tmp_path / "000100.pt"
        torch.save(checkpoint, path, **options)
        assert StyleGAN.recognises(path)
        network = load(path)
        expected = _state(load(ROSINALITY))
        found = _state(network)
        expected.pop("mapping.w_avg")
        found.pop("mapping.w_avg")
        assert found == expected
        z = np.random.RandomState(5).randn(4096, 64).astype(np.float32)
        mean = network.map(torch.from_numpy(z))[:, 0].mean(dim=0)
        torch.testing.assert_close(network.mapping.w_avg, mean, rtol=0, atol=0.1)


def test_a_checkpoint_without_noise_gets_some_that_stays(tmp_path: Path) -> None:
    whole = torch.load(ROSINALITY, weights_only=True)
    kept = {name: t for name, t in whole["g_ema"].items() if not name.startswith("noises.")}
    torch.save({**whole, "g_ema": kept}, tmp_path / "x.pt")
    first, second = load(tmp_path / "x.pt"), load(tmp_path / "x.pt")
    assert first.fingerprint() == second.fingerprint()
    assert 0.5 < float(first.synthesis.b32.conv1.noise_const.std()) < 1.5


def test_colours_have_a_filter_of_their_own(tmp_path: Path) -> None:
    whole = torch.load(ROSINALITY, weights_only=True)
    taps = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])) / 16
    blurs = {name: taps * 4 for name in whole["g_ema"] if name.endswith("blur.kernel")}
    torch.save({**whole, "g_ema": {**whole["g_ema"], **blurs}}, tmp_path / "x.pt")
    network, before = load(tmp_path / "x.pt"), load(ROSINALITY)
    for found in (network, _converted(tmp_path / "x.pt")):
        for r in (8, 16, 32):
            block, other = (getattr(each.synthesis, f"b{r}") for each in (found, before))
            assert torch.equal(block.conv0.resample_filter, taps)
            assert torch.equal(block.resample_filter, other.resample_filter)
    w = network.sample_latents([0])
    torch.testing.assert_close(found.synthesize(w), network.synthesize(w))


def _converted(path: Path) -> StyleGAN:
    target = path.with_suffix(".safetensors")
    assert main(["models", "convert", str(path), str(target)]) == 0
    return load(target)


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("stylegan2", {"img_resolution": 1 << 12}, "does not fit its settings"),
        ("stylegan2", {"z_dim": 1 << 20}, "z_dim of a StyleGAN cannot be 1048576"),
        ("stylegan2", {"img_resolution": 1 << 200}, "img_resolution of a StyleGAN cannot be"),
        ("stylegan2", {"channels": {"4": 1 << 40}}, "1099511627776 channels"),
        ("stylegan2", {"mapping": {"num_layers": 10**9}}, "num_layers of a StyleGAN cannot be"),
        ("stylegan2", {"const_size": [1 << 20, 4]}, "is not a height and width"),
        ("stylegan2", {"resample_filter": [1] * 1000}, "resample_filter is not a filter"),
        ("stylegan3", {"num_layers": 10**9}, "num_layers of a StyleGAN cannot be"),
        ("stylegan3", {"filter_size": 1 << 30}, "filter_size of a StyleGAN cannot be"),
        ("stylegan3", {"conv_kernel": 64, "channel_base": 1 << 31}, "does not fit its settings"),
        ("stylegan3", {"signals": [{"cutoff": 1}]}, "missing half_width"),
        ("stylegan3", {"first_cutoff": 0}, "first_cutoff of a StyleGAN cannot be 0"),
        ("stylegan3", {"output_scale": "large"}, "output_scale of a StyleGAN cannot be large"),
        ("stylegan2", {"conv_clamp": [1]}, "conv_clamp of a StyleGAN cannot be"),
        ("stylegan2", {"activation": "snake"}, "unknown activation 'snake'"),
        ("stylegan2", {"resample_filter": [1, "x"]}, "a filter cannot hold x"),
    ],
)
def test_settings_that_want_too_much_are_refused_before_they_get_it(
    family: str, settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    plain = {"z_dim": 512, "c_dim": 0, "w_dim": 512, "img_resolution": 1024, "img_channels": 3}
    told = {"schema": "c2l-stylegan/1", "family": family, "settings": {**plain, **settings}}
    path = tmp_path / "x.safetensors"
    save_file({"mapping.w_avg": torch.ones(3)}, path, {"c2l": json.dumps(told)})
    with pytest.raises(BadWeights, match=message):
        load(path)


def test_a_description_alone_does_not_make_a_giant(tmp_path: Path) -> None:
    plain = {"z_dim": 1 << 16, "c_dim": 0, "w_dim": 1 << 16, "img_resolution": 8}
    told = {"schema": "c2l-stylegan/1", "family": "stylegan2"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**told, "settings": {**plain, "img_channels": 3}}))
    with pytest.raises(BadWeights, match="describes a network of"):
        load(path)
