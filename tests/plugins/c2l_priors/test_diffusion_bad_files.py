"""Checkpoints that are damaged, foreign or hostile: one line each, and nothing is ever executed."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

import c2l
from c2l.errors import BadWeights
from c2l.reading.pickles import BadPickle, read_pickle

TINY = Path(__file__).parents[2] / "data" / "c2l-prior" / "tiny"
LEGACY = {"_use_new_zipfile_serialization": False}


def refused(path: Path, match: str) -> BadWeights:
    with pytest.raises(BadWeights, match=match) as caught:
        c2l.load_prior(f"diffusion:{path}")
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message
    return caught.value


class Call:
    """Pickles as a call of something."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.made = function, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.made


def places(evil: Any) -> dict[str, Any]:
    state = OrderedDict({"a": torch.zeros(2)})
    with_state: Any = OrderedDict({"a": torch.zeros(2)})
    with_state.__dict__["_metadata"] = evil
    return {
        "alone": evil,
        "in the state": {"state_dict": {**state, "x": evil}},
        "deep": {"state_dict": state, "cfg": {"a": [(1, {"b": evil})]}},
        "in the state of the state": {"state_dict": with_state},
        "unused": {"state_dict": state, "extra": evil},
    }


@pytest.mark.parametrize("place", list(places(None)))
@pytest.mark.parametrize("options", [{}, LEGACY, {"pickle_protocol": 4}])
def test_what_wants_to_call_something(tmp_path: Path, place: str, options: dict[str, Any]) -> None:
    mark = tmp_path / "executed"
    for function, args, wanted in (
        (os.system, (f"touch {mark}",), rf"executable content: {os.system.__module__}\.system"),
        (eval, (f"open({str(mark)!r}, 'w')",), r"executable content: (builtins|__builtin__)\.eval"),
        (
            torch.storage._load_from_bytes,
            (b"x",),
            r"content: torch\.storage\._load_from_bytes",
        ),
        (getattr, ("x", "__class__"), r"executable content: (builtins|__builtin__)\.getattr"),
    ):
        path = tmp_path / "evil.ckpt"
        torch.save(places(Call(function, *args))[place], path, **options)
        assert "Do not trust" in refused(path, wanted).hint
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_bare_pickles(tmp_path: Path, protocol: int) -> None:
    mark, path = tmp_path / "executed", tmp_path / "evil.ckpt"
    path.write_bytes(pickle.dumps(Call(os.system, f"touch {mark}"), protocol=protocol))
    refused(path, "content" if protocol != 1 else "content|not a checkpoint")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("torch", "nn.Module"), ("omegaconf.nodes", "AnyNode.__init__"), ("lightning.x", "run")],
)
def test_names_with_dots_and_functions(tmp_path: Path, module: str, name: str) -> None:
    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    path = tmp_path / "evil.ckpt"
    path.write_bytes(b"\x80\x04" + text(module) + text(name) + b"\x93)R.")
    refused(path, f"executable content: {module}.{name}")


def test_the_last_pickle_of_the_old_format(tmp_path: Path) -> None:
    mark, path = tmp_path / "executed", tmp_path / "evil.ckpt"
    data = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}):
        pickle.dump(value, data, protocol=2)
    pickle.dump(Call(os.system, f"touch {mark}"), data, protocol=2)
    path.write_bytes(data.getvalue())
    refused(path, r"executable content: \w+\.system")
    assert not mark.exists()


def test_a_storage_that_is_itself_a_pickle(tmp_path: Path) -> None:
    """Numbers are numbers, whatever they spell."""
    mark = tmp_path / "executed"
    evil = pickle.dumps(Call(os.system, f"touch {mark}"), protocol=2)
    evil += bytes(-len(evil) % 4)
    hidden = torch.frombuffer(bytearray(evil), dtype=torch.float32)
    state = torch.load(TINY / "checkpoint.ckpt", weights_only=True)["state_dict"]
    table = state["ema_diffusion_prior.ema_model.net.to_time_embeds.0.weight"]
    table.view(-1)[: len(hidden)] = hidden
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    c2l.load_prior(f"diffusion:{tmp_path / 'a.ckpt'}")
    assert not mark.exists()


# -- files that are built by hand


class Storage:
    """Stands for a storage while a pickle is written."""

    def __init__(self, num: int, cls: Any = torch.FloatStorage, key: str = "0") -> None:
        self.id = ("storage", cls, key, "cuda:3", num)


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.id if isinstance(obj, Storage) else None


def tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Call:
    rebuild = torch._utils._rebuild_tensor_v2
    return Call(rebuild, storage, offset, size, stride, False, OrderedDict())


def archive(path: Path, root: Any, storages: dict[str, bytes], **options: Any) -> Path:
    data = io.BytesIO()
    Pickler(data, protocol=2).dump(root)
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr("a/data.pkl", data.getvalue())
        for key, raw in storages.items():
            file.writestr(f"a/data/{key}", raw)
    return path


QUERY = "ema_diffusion_prior.ema_model.net.learned_query"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (tensor(Storage(4), 0, (5,), (1,)), "larger than what is stored"),
        (tensor(Storage(4), 3, (2,), (1,)), "larger than what is stored"),
        (tensor(Storage(4), 0, (2,), (4,)), "larger than what is stored"),
        (tensor(Storage(4), 0, (1 << 40, 1 << 40), (0, 0)), "two elements in one place"),
        (tensor(Storage(1 << 40), 0, (1 << 40,), (1,)), "shorter than it says"),
        (tensor(Storage(4), -1, (2,), (1,)), "described wrongly"),
        (tensor(Storage(4), 0, (-2,), (1,)), "described wrongly"),
        (tensor(Storage(4), 0, (2, 2), (1,)), "described wrongly"),
        (tensor(Storage(4), 0, [2], [1]), "described wrongly"),
        (tensor(Storage(4), 0, (1,) * 9, (1,) * 9), "described wrongly"),
        (tensor(Storage(4), 0.0, (2,), (1,)), "described wrongly"),
        (tensor("storage", 0, (2,), (1,)), "described wrongly"),
        (tensor(Storage(4, key="7"), 0, (2,), (1,)), "storage 7 is missing"),
        (tensor(Storage(4, OrderedDict), 0, (2,), (1,)), "holds collections.OrderedDict"),
        (tensor(Storage(-4), 0, (2,), (1,)), "described wrongly"),
    ],
)
def test_tensors_that_do_not_fit_their_storage(tmp_path: Path, value: Any, message: str) -> None:
    path = archive(tmp_path / "a.ckpt", {"state_dict": {QUERY: value}}, {"0": bytes(16)})
    refused(path, message)


def test_archives_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    refused(archive(path, {}, {"0": bytes(99_999)}, compression=zipfile.ZIP_DEFLATED), "compressed")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")
    refused(path, "zip archive, but not a checkpoint")
    archive(path, {"state_dict": {QUERY: tensor(Storage(4), 0, (4,), (1,))}}, {"0": bytes(16)})
    whole = path.read_bytes()
    at = whole.index(b"a/data/0") + len("a/data/0")
    path.write_bytes(whole[:at] + b"\x01" + whole[at + 1 :])
    refused(path, "it has no")  # an incomplete prior, found before its numbers are looked at
    for name in ("a/data/0", "a/data.pkl"):
        with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning):
            file.writestr(name, b"again")
    refused(path, "one name")


def test_numbers_that_were_changed_on_the_way(tmp_path: Path) -> None:
    whole = bytearray((TINY / "checkpoint.ckpt").read_bytes())
    with zipfile.ZipFile(TINY / "checkpoint.ckpt") as file:
        largest = max(file.infolist(), key=lambda entry: entry.file_size)
    whole[largest.header_offset + 3000] ^= 0xFF
    path = tmp_path / "a.ckpt"
    path.write_bytes(whole)
    refused(path, "CRC")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><title>404</title>", "is a web page"),
        (b"PK", "cut off"),
        (b"\x80", "not a checkpoint|breaks off"),
        (pickle.dumps({"a": 1}, protocol=2), "not a checkpoint"),
        (b"\x80\x02" + b"]" * 200_000 + b".", "not a checkpoint"),
        (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60), "not a checkpoint"),
        (b"\x80\x05\x96" + struct.pack("<Q", 1 << 60), "not a checkpoint"),
        (b"\x80\x02\x8b" + struct.pack("<I", 1 << 30), "not a checkpoint"),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    refused(path, message)


@pytest.mark.parametrize("name", ["checkpoint.ckpt", "checkpoint-legacy-format.ckpt"])
def test_cut_off_anywhere(tmp_path: Path, name: str) -> None:
    whole, path = (TINY / name).read_bytes(), tmp_path / "a.ckpt"
    for part in range(1, 40):
        path.write_bytes(whole[: len(whole) * part // 40])
        refused(path, ".")


def test_more_instructions_than_the_file_allows() -> None:
    with pytest.raises(BadPickle, match="more than 1000 instructions"):
        read_pickle(b"\x80\x02" + b"]" * 1000 + b".", 0, expected=bool, most_instructions=1000)


def test_keys_that_take_forever_to_hash() -> None:
    deep = b"\x80\x02)" + b"q\x00h\x00\x86" * 60  # a pair of pairs of pairs ...
    with pytest.raises(BadPickle, match="tuple as a key"):
        read_pickle(b"\x80\x02}" + deep[2:] + b"Ns.", 0, expected=bool, most_instructions=1000)


ORIGINALS = [
    (TINY / name).read_bytes()
    for name in ("checkpoint-cfg-omegaconf.ckpt", "checkpoint-legacy-format.ckpt")
]


@effort(max_examples=150)
@given(
    original=st.sampled_from(ORIGINALS),
    changes=st.lists(
        st.tuples(st.integers(0, 40_000), st.binary(max_size=6)), min_size=1, max_size=4
    ),
)
def test_any_change_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, original: bytes, changes: list[tuple[int, bytes]]
) -> None:
    """Most of the first 40,000 bytes are the pickle."""
    changed = bytearray(original)
    for place, content in changes:
        changed[place : place + len(content)] = content
    path = tmp_path_factory.mktemp("fuzz") / "a.ckpt"
    path.write_bytes(changed)
    try:
        prior = c2l.load_prior(f"diffusion:{path}")
    except BadWeights as error:
        assert "\n" not in error.message
    else:
        assert prior.sample(torch.ones(1, 16), seeds=[0], steps=1).shape == (1, 1, 16)
    path.unlink()
