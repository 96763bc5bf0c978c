"""Files: what is read, what is refused, what is written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from c2l.errors import BadWeights, NotWritable
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[3] / "data" / "stylegan"


def load(path: Path) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a network that may be spoilt."""
    return Path(shutil.copytree(DATA / "sg2-ada-32", tmp_path / "network"))


@pytest.mark.parametrize("name", ["sg2-cond-16", "sg2-resnet-grey-16", "sg3-r-32"])
def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    first = load(DATA / name)
    first.save(tmp_path / "network.safetensors")
    second = load(tmp_path / "network.safetensors")
    assert second.network_settings == first.network_settings
    assert second.fingerprint() == first.fingerprint()
    assert [file.name for file in tmp_path.iterdir()] == ["network.safetensors"]


@pytest.mark.parametrize("name", ["sg2-ada-32", "sg3-r-32"])
def test_half_files_are_smaller_and_nearly_the_same(name: str, tmp_path: Path) -> None:
    network = load(DATA / name)
    network.save(tmp_path / "full.safetensors")
    network.save(tmp_path / "half.safetensors", half=True)
    half = load(tmp_path / "half.safetensors")
    sizes = [(tmp_path / f"{size}.safetensors").stat().st_size for size in ("half", "full")]
    assert sizes[0] < 0.75 * sizes[1]
    assert all(tensor.dtype == torch.float32 for tensor in half.state_dict().values())
    w = network.sample_latents([0, 1])
    assert torch.equal(w, half.sample_latents([0, 1]))
    images = network.synthesize(w)
    assert (half.synthesize(w) - images).abs().max() < 1e-2 * images.abs().max()


def test_saved_files_have_the_official_names_and_say_what_they_are(tmp_path: Path) -> None:
    load(DATA / "sg3-t-32").save(tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", framework="pt") as file:
        told = json.loads(file.metadata()["c2l"])
        names = set(file.keys())
    assert (told["schema"], told["family"]) == ("c2l-stylegan/1", "stylegan3")
    assert names == load_file(DATA / "sg3-t-32" / "weights.safetensors").keys()


@pytest.mark.parametrize("beside", ["weights.json", "golden.json", "config.json"])
def test_the_description_may_lie_beside(folder: Path, beside: str) -> None:
    (folder / "golden.json").rename(folder / beside)
    for path in (folder, folder / "weights.safetensors"):
        assert StyleGAN.recognises(path)
        assert load(path).num_ws == 8


def test_the_config_of_another_tool_is_no_description(folder: Path) -> None:
    expected = load(folder)
    (folder / "golden.json").unlink()
    (folder / "config.json").write_text('{"model_type": "clip"}')
    found = load(folder)
    assert found.remarks  # tensors alone
    w = expected.sample_latents([0])
    assert torch.equal(found.synthesize(w), expected.synthesize(w))


def test_weights_are_loaded_frozen_and_in_eval_mode(folder: Path) -> None:
    network = load(folder)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_half_precision_weights_are_cast(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    save_file({n: t.half() for n, t in weights.items()}, folder / "weights.safetensors")
    assert all(tensor.dtype == torch.float32 for tensor in load(folder).state_dict().values())


def test_a_description_alone_is_a_fresh_network(tmp_path: Path) -> None:
    description = {
        "schema": "c2l-stylegan/1",
        "family": "stylegan2",
        "seed": 3,
        "settings": {
            "z_dim": 16,
            "c_dim": 0,
            "w_dim": 24,
            "img_resolution": 32,
            "img_channels": 3,
            "mapping": {"num_layers": 2},
            "channels": {"4": 12, "8": 12, "16": 10, "32": 6},
        },
    }
    path = tmp_path / "student.json"
    path.write_text(json.dumps(description))
    assert StyleGAN.recognises(path)
    first, second = load(path), load(path)
    assert first.fingerprint() == second.fingerprint()
    assert first.synthesis.b16.conv0.weight.shape == (10, 12, 3, 3)
    assert first.synthesize(first.sample_latents([0])).shape == (1, 3, 32, 32)
    path.write_text(json.dumps({**description, "seed": 4}))
    assert load(path).fingerprint() != first.fingerprint()
    for seed in (-1, 2**64, "3", True):
        path.write_text(json.dumps({**description, "seed": seed}))
        with pytest.raises(BadWeights, match="must be a whole number from 0 to"):
            load(path)


@pytest.mark.parametrize("name", ["sg2-ada-32", "sg2-orig-cond-rgba-16", "sg3-t-32"])
def test_official_init_arguments_alone_are_a_fresh_network(name: str, tmp_path: Path) -> None:
    shutil.copy(DATA / name / "golden.json", tmp_path / "x.json")
    assert load(tmp_path / "x.json").settings() == load(DATA / name).settings()


def test_the_two_repositories_have_different_defaults() -> None:
    assert load(DATA / "sg2-ada-32").network_settings.conv_clamp is None
    assert load(DATA / "sg3repo-sg2-64").network_settings.conv_clamp == 256


def _lacking(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    kept = {n: t for n, t in weights.items() if not n.startswith("mapping.fc3.")}
    save_file(kept, folder / "weights.safetensors")


def _foreign(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    extra = {"layer4.2.bn1.weight": torch.ones(3)}
    save_file({**weights, **extra}, folder / "weights.safetensors")


def _wrong_shape(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights["synthesis.b8.conv0.bias"] = torch.ones(3)
    save_file(weights, folder / "weights.safetensors")


def _integers(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights["synthesis.b8.conv0.bias"] = torch.ones(32, dtype=torch.int64)
    save_file(weights, folder / "weights.safetensors")


def _truncated(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def _empty(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"")


def _broken_json(folder: Path) -> None:
    (folder / "golden.json").write_text("{")


def _list_json(folder: Path) -> None:
    (folder / "golden.json").write_text("[1]")


def _rewrite(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    told = json.loads((folder / "golden.json").read_text())
    change(told["init_kwargs"])
    (folder / "golden.json").write_text(json.dumps(told))


def _unknown_setting(folder: Path) -> None:
    _rewrite(folder, lambda kwargs: kwargs.update(num_heads=4))


def _missing_setting(folder: Path) -> None:
    _rewrite(folder, lambda kwargs: kwargs.pop("w_dim"))


def _absurd_setting(folder: Path) -> None:
    _rewrite(folder, lambda kwargs: kwargs.update(img_resolution="large"))


def _odd_resolution(folder: Path) -> None:
    _rewrite(folder, lambda kwargs: kwargs.update(img_resolution=36))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_lacking, r"lacks mapping\.fc3\.weight, mapping\.fc3\.bias"),
        (_foreign, r"unknown layer4\.2\.bn1\.weight"),
        (_wrong_shape, r"synthesis\.b8\.conv0\.bias \(3,\) instead of \(32,\)"),
        (_integers, "not floating-point"),
        (_truncated, "not a complete safetensors file"),
        (_empty, "not a complete safetensors file"),
        (_broken_json, "is not JSON"),
        (_list_json, "is not a JSON object"),
        (_unknown_setting, "unknown settings of a StyleGAN: num_heads"),
        (_missing_setting, "missing w_dim"),
        (_absurd_setting, "unusable"),
        (_odd_resolution, r"must be 4, 8, 16, \.\.\., not 36"),
    ],
)
def test_spoilt_files_are_refused(
    folder: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(folder)
    with pytest.raises(BadWeights, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_other_refusals(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match="there is no file"):
        load(tmp_path / "absent.safetensors")
    with pytest.raises(BadWeights, match="needs a file"):
        load(None)  # type: ignore[arg-type]
    save_file({"w": torch.ones(1)}, tmp_path / "x.safetensors", {"c2l": '{"schema": "other/1"}'})
    with pytest.raises(BadWeights, match="has the schema 'other/1'"):
        load(tmp_path / "x.safetensors")


def test_foreign_files_are_not_recognised(tmp_path: Path) -> None:
    save_file({"w": torch.ones(1)}, tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"\x00" * 40)
    (tmp_path / "c.json").write_text('{"a": 1}')
    (tmp_path / "d.json").write_text("no")
    for path in (*tmp_path.iterdir(), tmp_path, tmp_path / "absent.safetensors"):
        assert not StyleGAN.recognises(path), path


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(NotWritable):
        load(DATA / "sg2-cond-16").save(tmp_path / "absent" / "x.safetensors")


def test_opening_does_not_import_torchs_compiler() -> None:
    """Which takes seconds, and comes along with nearly any operation on the device "meta"."""
    code = """import sys, c2l
for reference in sys.argv[1:]:
    c2l.load_generator(reference)
sys.exit("torch._dynamo" in sys.modules)
"""
    folders = ("sg2-cond-16", "sg3-r-32")
    references = [f"stylegan:{DATA / folder / 'network.pkl'}" for folder in folders]
    done = subprocess.run([sys.executable, "-c", code, *references], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
