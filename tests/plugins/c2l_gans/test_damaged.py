"""Files of other families that lack something, hold nonsense, or want something executed."""

from __future__ import annotations

import gzip
import os
import random
import tracemalloc
from pathlib import Path
from pickle import dumps
from typing import Any

import pytest
import torch
from gan_goldens import Golden
from torch import Tensor

import c2l
from c2l.errors import BadWeights
from c2l.reading import named_tensors, read_beginning
from c2l_gans.files.found import checkpoint, pickle

KINDS = {
    "biggan": "biggan",
    "biggan_deep": "biggan",
    "biggan_cifar": "biggan",
    "biggan_port": "biggan",
    "r3gan_classes": "r3gan",
    "lucidrains": "lucidrains-stylegan2",
    "dcgan": "pytorch-dcgan",
    "dcgan_zoo": "pytorch-dcgan",
    "progan_zoo": "progan",
}
CANARY = "c2l_canary_was_called"
pytestmark = pytest.mark.filterwarnings("ignore::c2l.errors.Assumed")


class Evil:
    """Creates a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (CANARY,)


def unpacked(name: str, folder: Path) -> Path:
    """The file of a golden, without its ``.gz``."""
    packed = Golden(name).path
    path = folder / packed.stem
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def tensors_in(name: str, folder: Path) -> dict[str, Tensor]:
    """All tensors of a golden by their names: a state dict that opens as the file does."""
    path = unpacked(name, folder)
    opened = checkpoint if read_beginning(path) else pickle
    with opened(path) as (root, take):
        whole = {n: v for n, v in named_tensors(root).items() if "num_batches" not in n}
        return {n: take(v, n).clone() for n, v in whole.items()}


def damages(tensor: Tensor) -> list[Any]:
    """What may stand in place of a tensor."""
    return [
        None,
        tensor[:0] if tensor.ndim else tensor.new_zeros(0),
        tensor[:-1] if tensor.ndim else tensor[None],
        tensor[None],
        tensor.flatten() if tensor.ndim > 1 else tensor.reshape(1, -1),
        tensor.to(torch.int32),
        tensor.new_zeros(()).expand([1 << 13] * max(tensor.ndim, 1)),
        "text",
    ]


@pytest.mark.parametrize("name", KINDS)
def test_a_state_dict_of_the_same_names_is_the_same_network(name: str, tmp_path: Path) -> None:
    path = tmp_path / "flat.pth"
    torch.save(tensors_in(name, tmp_path), path)
    one, other = c2l.load_generator(str(path)), c2l.load_generator(str(Golden(name).path))
    assert one.reference.partition(":")[0] == KINDS[name]
    assert one.fingerprint() == other.fingerprint()


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_tensor_is_an_error_of_one_line(name: str, tmp_path: Path) -> None:
    whole = tensors_in(name, tmp_path)
    choices = [(n, i) for n, t in whole.items() for i in range(len(damages(t)))]
    path = tmp_path / "damaged.pth"
    for number, i in random.Random(1).sample(choices, 8):
        tensors: dict[str, Any] = dict(whole)
        tensors[number] = damages(whole[number])[i]
        torch.save(tensors, path)
        check(path, KINDS[name])


def check(path: Path, kind: str) -> None:
    """Open a file: nothing but ``BadWeights`` may come of it, and no large memory."""
    tracemalloc.start()
    try:
        c2l.load_generator(f"{kind}:{path}")
    except BadWeights as error:
        assert "\n" not in str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize("name", KINDS)
def test_what_wants_something_executed_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    torch.save({**tensors_in(name, tmp_path), "hook": Evil()}, path)
    with pytest.raises(BadWeights, match="mkdir"):
        c2l.load_generator(f"{KINDS[name]}:{path}")
    assert not Path(CANARY).exists()


def test_a_pickle_that_wants_something_executed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "network-snapshot-final.pkl"
    path.write_bytes(dumps({"note": "R3GAN.Networks", "G_ema": Evil()}))
    with pytest.raises(BadWeights, match="mkdir"):
        c2l.load_generator(str(path))
    assert not Path(CANARY).exists()


@pytest.mark.parametrize("name", KINDS)
def test_a_truncated_file_is_refused(name: str, tmp_path: Path) -> None:
    path = unpacked(name, tmp_path)
    whole = path.read_bytes()
    for share in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadWeights):
            c2l.load_generator(f"{KINDS[name]}:{path}")


def test_each_kind_recognises_its_own_alone(tmp_path: Path) -> None:
    for name, kind in KINDS.items():
        path = unpacked(name, tmp_path)
        assert c2l.load_generator(str(path)).reference.partition(":")[0] == kind
