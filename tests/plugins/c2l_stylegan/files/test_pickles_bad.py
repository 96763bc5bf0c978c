"""Files that must be refused: in one line, with the name of what they wanted, nothing executed."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from nvidia_writer import Persistent, dump, nvidia_modules, record
from other_layouts import basicsr, small
from tensorflow_writer import as_tensorflow, dump_tensorflow

from c2l.cli.app import main
from c2l.errors import BadWeights, ExitCode
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[3] / "data"
SMALL = DATA / "stylegan" / "sg2-cond-16"
CANARY = "c2l_canary_was_called"


class Evil:
    """Creates a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (CANARY,)


class Raw:
    """Stands in a pickle for the bytes of a storage."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload

    def __reduce__(self) -> tuple[Any, ...]:
        return torch.storage._load_from_bytes, (self.payload,)


class TensorOf:
    """A tensor with a record of its own making."""

    def __init__(self, storage: Any, *layout: Any) -> None:
        self.args = (storage, *layout, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, self.args


def load(path: Path) -> StyleGAN:
    return StyleGAN.load(SimpleNamespace(path=path))


def refusal(path: Path) -> str:
    with pytest.raises(BadWeights) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert not Path(CANARY).exists()
    return str(caught.value)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def whole() -> Persistent:
    return record(load(SMALL))


def _state(part: Persistent, *names: str) -> dict[str, Any]:
    state: dict[str, Any] = part.meta["state"]
    for name in names:
        state = state["_modules"][name].meta["state"]
    return state


def _outermost(_: Persistent) -> Any:
    return Evil()


def _beside(good: Persistent) -> Any:
    return {"training_set_kwargs": {"path": Evil()}, "G_ema": good}


def _in_another_network(good: Persistent) -> Any:
    other = whole()
    _state(other, "mapping")["_parameters"]["x"] = Evil()
    return {"G": other, "G_ema": good}


def _in_a_state(good: Persistent) -> Any:
    _state(good, "synthesis", "b4", "conv1")["_forward_hooks"] = OrderedDict({0: Evil()})
    return {"G_ema": good}


def _for_a_tensor(good: Persistent) -> Any:
    _state(good, "synthesis", "b8")["_buffers"]["resample_filter"] = Evil()
    return {"G_ema": good}


def _for_a_storage(good: Persistent) -> Any:
    tensor = TensorOf(Evil(), 0, (4,), (1,))
    _state(good, "synthesis", "b8")["_buffers"]["resample_filter"] = tensor
    return {"G_ema": good}


def _as_a_storage(good: Persistent) -> Any:
    _state(good, "mapping")["_buffers"]["x"] = TensorOf(Raw(pickle.dumps(Evil())), 0, (4,), (1,))
    return {"G_ema": good}


def _inside_a_storage(good: Persistent) -> Any:
    buffer = io.BytesIO()
    torch.save({"a": Evil()}, buffer, _use_new_zipfile_serialization=False)
    _state(good, "mapping")["_buffers"]["x"] = TensorOf(Raw(buffer.getvalue()), 0, (4,), (1,))
    return {"G_ema": good}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "place",
    [
        _outermost,
        _beside,
        _in_another_network,
        _in_a_state,
        _for_a_tensor,
        _for_a_storage,
        _as_a_storage,
        _inside_a_storage,
    ],
)
def test_calls_are_refused_by_name(
    place: Callable[[Persistent], Any], protocol: int, tmp_path: Path
) -> None:
    path = dump(tmp_path / "x.pkl", place(whole()), protocol=protocol)
    if protocol == 4:
        assert re.search(r"executable content: (posix|nt)\.mkdir", refusal(path))
    else:
        refusal(path)  # of protocol 2: bytes themselves are a call there


def _long(text: bytes) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"cos\nsystem\n(S'mkdir x'\ntR.", "os.system"),
        (b"(S'mkdir x'\nios\nsystem\n.", ""),
        (b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00x\x85R.", "os.system"),
        (b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00xo.", "os.system"),
        (b"\x80\x02(X\x01\x00\x00\x00xios\nsystem\n.", "os.system"),
        (b"\x80\x04" + _long(b"torch.serialization") + _long(b"os.system") + b"\x93.",
         "torch.serialization.os.system"),
        (b"\x80\x04" + _long(b"torch.storage") + _long(b"_load_from_bytes.__globals__") + b"\x93.",
         "torch.storage._load_from_bytes.__globals__"),
        (b"\x80\x04" + _long(b"builtins") + _long(b"eval") + b"\x93.", "builtins.eval"),
        (b"\x80\x04" + _long(b"torch.nn.modules.x") + _long(b"Y.os") + b"\x93.", "x.Y.os"),
        (b"\x80\x02\x82\x01.", "instruction 0x82"),
        (b"\x80\x04" + _long(b"torch.storage") + _long(b"_load_from_bytes") + b"\x93"
         + b"C\x06cos\nx\n\x85R.", "os.x"),
    ],
)  # fmt: skip
def test_instructions_that_are_no_data(data: bytes, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(data)
    assert wanted in refusal(tmp_path / "x.pkl")


def _payload(tensor: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.save(tensor.untyped_storage(), buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ((0, (1 << 20, 32), (32, 1)), "larger than what is stored"),
        ((3, (4, 4), (4, 1)), "larger than what is stored"),
        ((0, (1 << 40, 1 << 40), (0, 0)), "two elements in one place"),
        ((0, (4, 4), (1, 1)), "two elements in one place"),
        ((-1, (4, 4), (4, 1)), "described wrongly"),
        ((0, (4, 4), (4, -1)), "described wrongly"),
        ((0, (4, 4), (4,)), "described wrongly"),
        ((0, (True, 4), (4, 1)), "described wrongly"),
        ((0, "44", "41"), "described wrongly"),
    ],
)
def test_tensors_stay_within_their_storage(
    layout: tuple[Any, ...], message: str, tmp_path: Path
) -> None:
    good = whole()
    storage = torch.ones(16).storage()  # torch deprecates it, but the files hold it
    _state(good, "synthesis", "b8")["_buffers"]["resample_filter"] = TensorOf(storage, *layout)
    assert message in refusal(dump(tmp_path / "x.pkl", {"G_ema": good}))


def test_storages_are_whole(tmp_path: Path) -> None:
    good = whole()
    buffer = io.BytesIO()
    torch.save(torch.ones(64).storage(), buffer, _use_new_zipfile_serialization=False)
    for payload, message in (
        (buffer.getvalue()[:-8], "truncated"),
        (buffer.getvalue().replace(struct.pack("<q", 64), struct.pack("<q", 65)), "another length"),
        (buffer.getvalue()[:90], "breaks off"),
        (b"", "not a checkpoint"),
    ):
        tensor = TensorOf(Raw(payload), 0, (4, 4), (4, 1))
        _state(good, "synthesis", "b8")["_buffers"]["resample_filter"] = tensor
        assert message in refusal(dump(tmp_path / "x.pkl", {"G_ema": good}))


@pytest.mark.parametrize(
    "path",
    [
        SMALL / "network.pkl",
        DATA / "stylegan-files" / "tf-legacy-32" / "network.pkl",
        DATA / "stylegan-files" / "rosinality-32" / "model.pt",
    ],
    ids=lambda path: path.parent.name,
)
def test_truncated_files(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    cut = tmp_path / path.name
    for i in range(50):
        cut.write_bytes(data[: len(data) * i // 50])
        refusal(cut)


@pytest.mark.parametrize(
    "path",
    [
        DATA / "stylegan-files" / "rosinality-32" / "model.pt",
        DATA / "c2l-prior" / "tiny" / "checkpoint.ckpt",
        DATA / "c2l-prior" / "tiny" / "checkpoint-legacy-format.ckpt",
    ],
    ids=lambda path: path.stem,
)
def test_what_is_cut_off_is_recognised_without_its_kind(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = path.read_bytes()
    cut = tmp_path / path.name
    for part in (0.5, 0.9, 0.999):
        cut.write_bytes(data[: int(len(data) * part)])
        assert main(["models", "inspect", str(cut)]) == ExitCode.BAD_FILE
        told = capsys.readouterr().err
        assert f"{cut} is" in told and told.count("\n") == 1
    bent = bytearray(data)
    bent[-30:] = bytes(30)  # an archive's table of contents
    cut.write_bytes(bent)
    main(["models", "inspect", str(cut)])
    assert "recognises" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is an empty file"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"\n  <html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"\x1f\x8b\x08\x00", "neither a pickle nor a PyTorch checkpoint"),
        (b"PK\x03\x04", "cut off"),
        (pickle.dumps([1, 2]), "not of a network"),
        (pickle.dumps({"a": 1}), "no generator G_ema"),
        (b"\x80\x04" + b"N" * 100, "breaks off"),
    ],
)
@pytest.mark.parametrize("suffix", [".pkl", ".pt", ""])
def test_other_things(data: bytes, message: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    assert message in refusal(path)


def test_networks_of_others_are_named(tmp_path: Path) -> None:
    def named(value: Any) -> str:
        return refusal(dump(tmp_path / "x.pkl", value))

    def network(name: str, **children: Any) -> Persistent:
        return Persistent(name, {"_parameters": {}, "_buffers": {}, "_modules": children})

    assert "only a discriminator" in named({"D": network("Discriminator")})
    assert "only a discriminator" in named(network("Discriminator"))
    trained = load(dump(tmp_path / "x.pkl", {"G": whole(), "G_ema": None}))
    assert trained.remarks == ("it holds no average of its generator; G is drawn with",)
    eg3d = network("TriPlaneGenerator", renderer=torch.nn.Softplus())
    assert "EG3D" in named({"G_ema": eg3d})
    mapping = network("MappingNetwork", embed_proj=network("FullyConnectedLayer"))
    stem = network("Generator", mapping=mapping, synthesis=network("SynthesisNetwork"))
    assert "StyleGAN-XL" in named({"G_ema": stem})
    block = network("SynthesisBlock", convs1=network("ModuleList"))
    text = network("Generator", mapping=network("M"), synthesis=network("S", b8=block))
    assert "StyleGAN-T" in named({"G_ema": text})
    block = network("SynthesisBlock", conv1=network("PatchWiseSynthesisLayer"))
    strip = network("Generator", mapping=network("M"), synthesis=network("S", b4=block))
    assert "ALIS" in named({"G_ema": strip})
    assert "plain state dict" in named({"conv.weight": torch.ones(3)})
    assert "a Painter" in named({"G_ema": network("Painter")})


class Stranger:
    """Of a package that is not here: filled with data, or called with it."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return Stranger, self.arguments


class Layer(torch.nn.Module):
    """A layer of somebody's discriminator, with a function of torch's among its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))
        self.act = torch.nn.functional.relu


def _in_a_module(_: Persistent) -> Any:
    module = torch.nn.Linear(2, 2)
    module.note = Evil()  # type: ignore[assignment]
    return module


def _called(_: Persistent) -> Any:
    return Stranger("rm")


def _in_basicsr(_: Persistent) -> Any:
    return {"params_ema": basicsr(small()), "resume": Evil()}


def _in_a_bare_state(_: Persistent) -> Any:
    return {**small().state_dict(), "synthesis.b4.const": Evil()}


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "place",
    [_outermost, _beside, _in_another_network, _in_a_state, _for_a_tensor, _in_a_module, _called,
     _in_basicsr, _in_a_bare_state],
)  # fmt: skip
def test_calls_in_torch_save_are_refused_by_name(
    place: Callable[[Persistent], Any], protocol: int, options: Any, tmp_path: Path
) -> None:
    path = tmp_path / "x.pt"
    with nvidia_modules():
        torch.save(place(whole()), path, pickle_protocol=protocol, **options)
    told = refusal(path)
    assert re.search(r"executable content: \S*(mkdir|Stranger)", told)
    assert "Do not trust this file" in told


def test_calls_in_a_pickle_of_tensorflow(tmp_path: Path) -> None:
    gs = as_tensorflow(load(SMALL))
    gs.static_kwargs["impl"] = Evil()
    assert "mkdir" in refusal(dump_tensorflow(tmp_path / "x.pkl", (None, None, gs)))
    gs = as_tensorflow(load(SMALL))
    gs.build_module_src = "import os; os.mkdir('c2l_canary_was_called')"
    load(dump_tensorflow(tmp_path / "x.pkl", (None, None, gs)))
    assert not Path(CANARY).exists()


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_classes_of_others_that_only_hold_data_are_harmless(options: Any, tmp_path: Path) -> None:
    good = whole()
    expected = load(dump(tmp_path / "alone.pkl", {"G_ema": good})).fingerprint()
    value = {"D": torch.nn.Sequential(Layer(), torch.nn.Softplus()), "G_ema": good}
    dump(tmp_path / "x.pkl", value)
    assert load(tmp_path / "x.pkl").fingerprint() == expected
    with nvidia_modules():
        torch.save(value, tmp_path / "x.pt", **options)
    assert load(tmp_path / "x.pt").fingerprint() == expected


def test_checkpoints_of_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        torch.save({"layer4.conv1.weight": torch.ones(3)}, path, **options)
        assert "layer4.conv1.weight" in refusal(path)
        torch.save({"d": {}, "g_optim": {}}, path, **options)
        assert "only a discriminator" in refusal(path)
        torch.save({"state_dict": {"encoder.input_layer.0.weight": torch.ones(3)}}, path, **options)
        assert "an image encoder" in refusal(path)
        torch.save({"g_ema": Evil()}, path, **options)
        assert "mkdir" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "not a checkpoint" in refusal(path)


def test_relatives_of_rosinality_are_not_drawn_as_something_else(tmp_path: Path) -> None:
    whole = torch.load(DATA / "stylegan-files" / "rosinality-32" / "model.pt", weights_only=True)
    path = tmp_path / "x.pt"
    for extra, message in (
        ("iwt.ll", "it is a SWAGAN"),
        ("attention.0.weight", "it also has attention.0.weight, which no StyleGAN2 has"),
    ):
        torch.save({**whole, "g_ema": {**whole["g_ema"], extra: torch.ones(2, 2)}}, path)
        assert message in refusal(path)


def test_dimensions_do_not_explode(tmp_path: Path) -> None:
    good = whole()
    _state(good).update(z_dim=1 << 15, w_dim=1 << 15)
    path = dump(tmp_path / "x.pkl", {"G_ema": good})
    tracemalloc.start()
    refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 4 * path.stat().st_size + (2 << 20)
    tracemalloc.stop()


def test_one_storage_does_not_become_many(tmp_path: Path) -> None:
    storage = torch.ones(1 << 16).storage()
    good = whole()
    for i in range(100):
        tensor = TensorOf(storage, 0, (1 << 16,), (1,))
        _state(good, "mapping")["_buffers"][f"x{i}"] = tensor
    assert "are larger than the file" in refusal(dump(tmp_path / "x.pkl", {"G_ema": good}))


def test_nesting_does_not_explode(tmp_path: Path) -> None:
    bomb: Any = 0
    for _ in range(80):
        bomb = [bomb, bomb]
    good = whole()
    _state(good, "synthesis")["_init_kwargs"] = {"channel_base": bomb}
    assert "too large" in refusal(dump(tmp_path / "x.pkl", {"G_ema": good}))
    good = whole()
    inner: Any = Persistent("A", {"_modules": {}})
    for _ in range(40):
        inner = Persistent("A", {"_modules": {"a": inner, "b": inner}})
    _state(good)["_modules"]["x"] = inner
    assert "nested too deep" in refusal(dump(tmp_path / "x.pkl", {"G_ema": good}))


def test_the_command_line_says_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = dump(tmp_path / "x.pkl", {"G_ema": Evil()})
    for arguments in (["inspect", str(path)], ["convert", str(path), "x.safetensors"]):
        assert main(["models", *arguments]) == ExitCode.BAD_FILE
        told = capsys.readouterr()
        assert told.err.startswith("error: ") and told.err.count("\n") == 1
        assert "mkdir" in told.err and "Do not trust this file" in told.err
        assert not told.out
    assert [file.name for file in tmp_path.iterdir()] == ["x.pkl"]
