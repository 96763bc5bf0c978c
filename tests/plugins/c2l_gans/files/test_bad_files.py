"""Files that are damaged or want something executed: refused in one line, nothing executed."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from gan_goldens import FAMILIES, ONE_OF_EACH, Golden
from safetensors import safe_open
from safetensors.torch import save_file

import c2l
from c2l.errors import BadWeights

CANARY = "c2l_canary_was_called"
pytestmark = pytest.mark.filterwarnings("ignore::c2l.errors.Assumed")


class Evil:
    """Creates a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (CANARY,)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def unpacked(name: str) -> tuple[str, bytes]:
    """The kind of a family's small file, and what is in it."""
    path = Golden(name).path
    kind = c2l.load_generator(str(path)).reference.partition(":")[0]
    return kind, gzip.decompress(path.read_bytes())


def refusal(reference: str) -> str:
    with pytest.raises(BadWeights) as caught:
        c2l.load_generator(reference)
    assert "\n" not in str(caught.value)
    assert not Path(CANARY).exists()
    return str(caught.value)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_nothing_is_executed(name: str) -> None:
    kind, data = unpacked(name)
    path = Path(f"evil{Path(Golden(name).path.stem).suffix}")
    if data[:2] == b"PK":
        torch.save({"g_ema": {}, "evil": Evil()}, path)
    else:  # called before anything else is read
        path.write_bytes(pickle.dumps(Evil(), protocol=4)[:-1] + b"0" + data)
    assert "mkdir" in refusal(f"{kind}:./{path}")


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_what_is_cut_off_is_refused(name: str) -> None:
    kind, data = unpacked(name)
    path = Path(f"cut{Path(Golden(name).path.stem).suffix}")
    for part in (len(data) // 2, len(data) - 100, 3):
        path.write_bytes(data[:part])
        refusal(f"{kind}:./{path}")


@pytest.mark.parametrize("name", FAMILIES)
def test_changed_bytes_are_refused_or_read(name: str) -> None:
    kind, data = unpacked(name)
    path = Path(f"changed{Path(Golden(name).path.stem).suffix}")
    draw = random.Random(name)
    for _ in range(4):
        changed = bytearray(data)
        for _ in range(draw.choice([1, 20])):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(changed)
        try:
            c2l.load_generator(f"{kind}:./{path}")
        except BadWeights as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_settings_that_do_not_fit_take_no_memory(name: str) -> None:
    c2l.load_generator(str(Golden(name).path)).save(Path("saved.safetensors"))
    with safe_open("saved.safetensors", framework="pt") as file:
        told = json.loads(file.metadata()["c2l"])
        tensors = {key: file.get_tensor(key) for key in list(file.keys())[:1]}
    save_file(tensors, "lying.safetensors", {"c2l": json.dumps(told)})
    assert "lacks" in refusal("./lying.safetensors")
    told["settings"] = {key: _huge(value) for key, value in told["settings"].items()}
    save_file(tensors, "huge.safetensors", {"c2l": json.dumps(told)})
    tracemalloc.start()
    refusal("./huge.safetensors")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def _huge(value: Any) -> Any:
    if isinstance(value, list):
        return [_huge(item) for item in value]
    return 60_000 if type(value) is int and value else value


def _pickle_of(*instructions: bytes) -> bytes:
    return b"\x80\x04" + b"".join(instructions) + b"."


def _name(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


@pytest.mark.parametrize(
    "instructions",
    [
        # A function made of code that the file brings along, then called.
        (_name("dill._dill", "_create_function"), b"N\x85R", b")R"),
        (_name("builtins", "getattr"), _name("os", "system"), b"N\x86R"),
        (_name("builtins", "getattr"), b"N\x8c\x04evalN\x87R", b")R"),
        (_name("dill._dill", "_load_type"), b"\x8c\x08CodeType\x85R", b")R"),
        (_name("dill._dill", "_import_module"), b"\x8c\x02os\x85R"),
        (_name("builtins", "eval"), b"\x8c\x011\x85R"),
    ],
)
def test_functions_in_a_discriminator_are_not_called(instructions: tuple[bytes, ...]) -> None:
    Path("snapshot.pkl").write_bytes(_pickle_of(*instructions))
    assert "cannot" in (said := refusal("stylegan-xl:./snapshot.pkl")) or "not read" in said
