"""Pictures that are not square, and StyleGAN3s whose layers follow a rule of their own."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nvidia_writer import Persistent, dump, record
from safetensors.torch import save_file
from torch import Tensor

from c2l.cli.app import main
from c2l.errors import BadWeights
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import Signal, StyleGAN2Settings, StyleGAN3Settings
from c2l_stylegan.networks.stylegan3 import signals

DATA = Path(__file__).parents[3] / "data"
ROSINALITY = DATA / "stylegan-files" / "rosinality-32" / "model.pt"
SIZES = [(4, 2), (3, 5)]


def load(path: Path) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=path))


def state_of(network: StyleGAN) -> dict[str, list[object]]:
    return {name: tensor.tolist() for name, tensor in network.state_dict().items()}


def rectangular2(size: tuple[int, int], **changes: Any) -> StyleGAN:
    settings = load(DATA / "stylegan" / "sg2-cond-16").network_settings
    assert isinstance(settings, StyleGAN2Settings)
    settings = dataclasses.replace(settings, const_size=size, **changes)
    network = StyleGAN.initialised(settings, seed=1)
    return _stirred(network)


def rectangular3(height: float, width: float, name: str = "sg3-t-32") -> StyleGAN:
    settings = load(DATA / "stylegan" / name).network_settings
    assert isinstance(settings, StyleGAN3Settings)
    listed = tuple(
        dataclasses.replace(s, size=(round(s.size[0] * height), round(s.size[1] * width)))
        for s in signals(settings)
    )
    settings = dataclasses.replace(settings, signals=listed)
    return _stirred(StyleGAN.initialised(settings, seed=1))


def _stirred(network: StyleGAN) -> StyleGAN:
    """What is zero in a fresh network is not in a trained one."""
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name.endswith(("bias", "noise_strength", "input.affine.weight")):
                tensor += torch.randn(tensor.shape, generator=draws) * 0.3
    return network.eval().requires_grad_(False)


# ---------------------------------------------------------------- the definition, slowly


def slow_stylegan2(network: StyleGAN, w: Tensor) -> Tensor:
    """Images (1, C, H, W) of one latent w (1, w_dim), by the paper's equations alone."""
    settings, tensors = network.network_settings, network.state_dict()
    assert isinstance(settings, StyleGAN2Settings)
    x, image = tensors["synthesis.b4.const"][None], None
    for r in settings.resolutions:
        block = f"synthesis.b{r}"
        taps = tensors[f"{block}.resample_filter"]
        for name in ("conv0", "conv1"):
            if f"{block}.{name}.weight" in tensors:
                x = slow_layer(tensors, f"{block}.{name}", x, w, taps if name == "conv0" else None)
        weight = modulated(tensors, f"{block}.torgb", w, demodulate=False)
        y = F.conv2d(x, weight) + tensors[f"{block}.torgb.bias"][:, None, None]
        image = y if image is None else slow_upsample(image, taps) + y
    assert image is not None
    return image


def slow_layer(
    tensors: dict[str, Tensor], place: str, x: Tensor, w: Tensor, taps: Tensor | None
) -> Tensor:
    weight = modulated(tensors, place, w, demodulate=True)
    if taps is not None:
        x = F.conv2d(slow_upsample(x, taps, around=1), weight.flip((2, 3)))
    else:
        x = F.conv2d(x, weight, padding=1)
    x = x + tensors[f"{place}.noise_const"] * tensors[f"{place}.noise_strength"]
    x = x + tensors[f"{place}.bias"][:, None, None]
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def modulated(tensors: dict[str, Tensor], place: str, w: Tensor, *, demodulate: bool) -> Tensor:
    affine = tensors[f"{place}.affine.weight"] / math.sqrt(w.shape[1])
    styles = (w @ affine.T + tensors[f"{place}.affine.bias"])[0]
    weight = tensors[f"{place}.weight"] * styles[:, None, None]
    if demodulate:
        return weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
    return weight / math.sqrt(weight.shape[1])


def slow_upsample(x: Tensor, taps: Tensor, *, around: int = 0) -> Tensor:
    """Zeros in between, then the filter; ``around`` more samples are kept on every side."""
    batch, channels, height, width = x.shape
    spread = x.new_zeros(batch, channels, height, 2, width, 2)
    spread[:, :, :, 0, :, 0] = x
    spread = spread.reshape(batch, channels, 2 * height, 2 * width)
    spread = F.pad(spread, (2 + around, 1 + around, 2 + around, 1 + around))
    kernel = (taps * 4).flip((0, 1)).expand(channels, 1, -1, -1)
    return F.conv2d(spread, kernel, groups=channels)


@pytest.mark.parametrize("size", [(4, 4), *SIZES])
def test_stylegan2_is_its_definition(size: tuple[int, int]) -> None:
    network = rectangular2(size)
    assert network.image_size == (size[0] * 4, size[1] * 4)
    for w in network.sample_latents([0, 1]):
        ours = network.synthesis(w[None].expand(-1, network.num_ws, -1))
        assert ours.shape[2:] == network.image_size
        expected = slow_stylegan2(network, w)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5 * float(expected.std()))


def turned(network: StyleGAN) -> StyleGAN:
    """The network that draws the same pictures, mirrored along their diagonal."""
    settings = network.network_settings
    if isinstance(settings, StyleGAN2Settings):
        settings = dataclasses.replace(settings, const_size=settings.const_size[::-1])
    else:
        listed = [dataclasses.replace(s, size=s.size[::-1]) for s in settings.signals]
        settings = dataclasses.replace(settings, signals=tuple(listed))
    other = StyleGAN(settings).eval().requires_grad_(False)
    tensors = network.state_dict()
    for name, place in zip(tensors, other.state_dict().values(), strict=True):
        tensor = tensors[name]
        if name.endswith((".const", ".noise_const")) or tensor.ndim == 4:
            tensor = tensor.transpose(-1, -2)
        if name.endswith("input.freqs"):
            tensor = tensor.flip(1)
        if "input.affine" in name:
            # (cos, sin, x, y): the other way round, and the axes exchanged.
            signs = torch.tensor([1.0, -1, 1, 1])
            tensor = tensor[[0, 1, 3, 2]] * signs.reshape(-1, *[1] * (tensor.ndim - 1))
        place.copy_(tensor)
    return other


@pytest.mark.parametrize(
    "network",
    [rectangular2((2, 3)), rectangular3(1, 0.5), rectangular3(0.75, 1, "sg3-cond-radial-16")],
    ids=["stylegan2", "stylegan3-t", "stylegan3-radial"],
)
@pytest.mark.parametrize("num", [1, 2])
def test_height_and_width_play_the_same_part(network: StyleGAN, num: int) -> None:
    other = turned(network)
    assert other.image_size == network.image_size[::-1]
    w = network.sample_latents(range(num))
    images = network.synthesize(w)
    assert images.shape[2:] == network.image_size
    mirrored = other.synthesize(w).transpose(2, 3)
    torch.testing.assert_close(mirrored, images, rtol=0, atol=1e-5 * float(images.std()))


def test_a_narrow_input_is_the_middle_of_a_square_one() -> None:
    square, narrow = rectangular3(1, 1), rectangular3(1, 0.5)
    w = square.sample_latents([0])[:, 0]
    whole, middle = square.synthesis.input(w), narrow.synthesis.input(w)
    width = middle.shape[3]
    start = (whole.shape[3] - width) // 2
    torch.testing.assert_close(middle, whole[:, :, :, start : start + width], rtol=0, atol=1e-5)


def test_fresh_noise_has_the_size_of_the_image() -> None:
    network = rectangular2((4, 2))
    first, second = network.sample_latents([0]), network.sample_latents([1])
    images = network.synthesize(torch.cat([first, second]), noise="random")
    alone = network.synthesize(second, noise="random")
    torch.testing.assert_close(images[1:], alone, rtol=0, atol=1e-4)
    assert not torch.equal(images, network.synthesize(torch.cat([first, second])))


# ---------------------------------------------------------------- files


def assert_reads_as(path: Path, network: StyleGAN) -> None:
    assert StyleGAN.recognises(path)
    found = load(path)
    assert found.image_size == network.image_size
    assert found.fingerprint() == network.fingerprint()
    w = network.sample_latents([0])
    assert torch.equal(found.synthesize(w), network.synthesize(w))


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("size", SIZES)
def test_pickles(size: tuple[int, int], architecture: str, tmp_path: Path) -> None:
    network = rectangular2(size, architecture=architecture, img_channels=1)
    kwargs = {n: getattr(network.network_settings, n) for n in ("channel_base", "channel_max")}
    path = dump(tmp_path / "x.pkl", {"G_ema": record(network, kwargs=kwargs)})
    assert_reads_as(path, network)
    network.save(tmp_path / "own.safetensors")
    assert_reads_as(tmp_path / "own.safetensors", network)


def test_blocks_may_be_named_after_both_sides(tmp_path: Path) -> None:
    network = rectangular2((3, 5))
    whole = record(network)
    synthesis = whole.meta["state"]["_modules"]["synthesis"].meta["state"]
    blocks = synthesis["_modules"]
    synthesis["_modules"] = {
        f"b{3 << i}x{5 << i}": block for i, block in enumerate(blocks.values())
    }
    found = load(dump(tmp_path / "x.pkl", {"G_ema": whole}))
    assert state_of(found) == state_of(network)
    assert found.image_size == (12, 20)
    names = ["b3x5", "b7x10", "b12x20"]
    synthesis["_modules"] = dict(zip(names, blocks.values(), strict=True))
    with pytest.raises(BadWeights, match="do not double"):
        load(dump(tmp_path / "x.pkl", {"G_ema": whole}))


def test_a_state_dict_beside_init_arguments(tmp_path: Path) -> None:
    network = rectangular2((4, 2))
    folder = DATA / "stylegan" / "sg2-cond-16"
    told = json.loads((folder / "golden.json").read_text())
    told["init_kwargs"]["square"] = False
    (tmp_path / "x.json").write_text(json.dumps(told))
    tensors = {n: t.contiguous() for n, t in network.state_dict().items()}
    save_file(tensors, tmp_path / "x.safetensors")
    assert state_of(load(tmp_path / "x.safetensors")) == state_of(network)
    assert load(tmp_path / "x.safetensors").image_size == (16, 8)


def test_checkpoints_of_rosinality(tmp_path: Path) -> None:
    whole = torch.load(ROSINALITY, weights_only=True)
    state = whole["g_ema"]
    state["input.input"] = torch.randn(1, state["input.input"].shape[1], 2, 4)
    for name, tensor in list(state.items()):
        if name.startswith("noises."):
            state[name] = torch.randn(1, 1, tensor.shape[2] // 2, tensor.shape[3])
    torch.save(whole, tmp_path / "x.pt")
    network = load(tmp_path / "x.pt")
    assert network.image_size == (16, 32)
    assert network.synthesize(network.sample_latents([0])).shape == (1, 3, 16, 32)
    kept = {name: t for name, t in state.items() if not name.startswith("noises.")}
    torch.save({**whole, "g_ema": kept}, tmp_path / "x.pt")
    assert load(tmp_path / "x.pt").synthesis.b32.conv1.noise_const.shape == (16, 32)


def test_noise_of_another_size_is_refused(tmp_path: Path) -> None:
    network = rectangular2((4, 2))
    network.synthesis.b16.conv1.noise_const = torch.zeros(16, 16)
    with pytest.raises(BadWeights, match=r"noise_const \(16, 16\) instead of \(16, 8\)"):
        load(dump(tmp_path / "x.pkl", {"G_ema": record(network)}))


def test_stylegan3_pickles(tmp_path: Path) -> None:
    network = rectangular3(1, 0.5)
    assert network.image_size == (32, 16)
    kwargs = {n: getattr(network.network_settings, n) for n in ("channel_base", "channel_max")}
    path = dump(tmp_path / "x.pkl", {"G_ema": record(network, kwargs=kwargs)})
    assert_reads_as(path, network)
    network.save(tmp_path / "own.safetensors")
    assert_reads_as(tmp_path / "own.safetensors", network)


def test_inspect_says_height_and_width(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = rectangular2((4, 2))
    path = dump(tmp_path / "x.pkl", {"G_ema": record(network)})
    assert main(["models", "inspect", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["height"], told["width"], told["resolution"]) == (16, 8, 16)


# ---------------------------------------------------------------- StyleGAN-XL


def super_resolved() -> StyleGAN:
    """A stem of 16 px without its critical layers, and a head of 32 px on it, as StyleGAN-XL's."""
    settings = load(DATA / "stylegan" / "sg3-t-32").network_settings
    assert isinstance(settings, StyleGAN3Settings)
    stem = dataclasses.replace(settings, img_resolution=16, num_layers=5)
    kept = signals(stem)[:3]
    low = kept[-1]
    stop, last = low.cutoff + low.half_width, 16 * settings.last_stopband_rel
    head = []
    for i in range(5):
        at = min(i / 2, 1.0)
        cutoff = low.cutoff * (16 / low.cutoff) ** at
        stopband = stop * (last / stop) ** at
        rate = low.sampling_rate if i == 0 else 2 ** math.ceil(math.log2(min(stopband * 2, 32)))
        size = rate + 2 * settings.margin_size if i < 3 else 32
        channels = low.channels if i == 0 else 3 if i == 4 else 20
        half_width = max(stopband, rate / 2) - cutoff
        head.append(Signal(cutoff, half_width, rate, (size, size), channels))
    listed = (*kept, *head)
    settings = dataclasses.replace(
        settings, signals=listed, num_layers=len(listed) - 1, num_critical=2
    )
    return _stirred(StyleGAN.initialised(settings, seed=2))


class DillArray:
    """An array as dill pickles it, which StyleGAN-XL's files are written with."""

    def __init__(self, array: Any) -> None:
        self.parts = array.__reduce__()

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["dill._dill"]._create_array, (*self.parts, None)


@pytest.fixture
def dill(monkeypatch: pytest.MonkeyPatch) -> None:
    def _create_array(*parts: Any) -> None:
        raise AssertionError("a reader called this")

    module = types.ModuleType("dill._dill")
    _create_array.__module__, _create_array.__qualname__ = module.__name__, "_create_array"
    module._create_array = _create_array  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dill", types.ModuleType("dill"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("dill")
def test_unconditional_stylegan_xl(tmp_path: Path) -> None:
    network = super_resolved()
    kwargs = {n: getattr(network.network_settings, n) for n in ("channel_base", "channel_max")}
    whole = record(network, kwargs=kwargs)
    whole.meta["class_name"] = "SuperresGenerator"
    whole.meta["state"]["path_stem"] = "stem.pkl"
    mapping = whole.meta["state"]["_modules"]["mapping"].meta["state"]
    mapping["_modules"]["embed"] = torch.nn.Embedding(10, 6)
    mapping["_modules"]["embed_proj"] = None
    synthesis = whole.meta["state"]["_modules"]["synthesis"].meta["state"]
    names = {name: f"L{i + (i > 2)}_stem" for i, name in enumerate(synthesis["layer_names"])}
    synthesis["_modules"] = {names.get(n, n): m for n, m in synthesis["_modules"].items()}
    synthesis["layer_names"] = list(names.values())
    for name in names.values():
        layer = synthesis["_modules"][name].meta["state"]
        layer.update({side: DillArray(layer[side]) for side in ("in_size", "out_size")})
    path = dump(tmp_path / "x.pkl", {"G_ema": whole})
    assert_reads_as(path, network)
    assert load(path).num_ws == len(names) + 1

    mapping["_modules"]["embed_proj"] = Persistent("FullyConnectedLayer", {"_modules": {}})
    with pytest.raises(BadWeights, match="StyleGAN-XL"):
        load(dump(path, {"G_ema": whole}))


def test_layers_follow_one_another(tmp_path: Path) -> None:
    whole = record(load(DATA / "stylegan" / "sg3-t-32"))
    synthesis = whole.meta["state"]["_modules"]["synthesis"].meta["state"]
    layer = synthesis["_modules"][synthesis["layer_names"][3]].meta["state"]
    layer["in_cutoff"] = np.float64(layer["in_cutoff"] * 1.5)
    with pytest.raises(BadWeights, match="is not the input of the next"):
        load(dump(tmp_path / "x.pkl", {"G_ema": whole}))
