"""TorchScript and torch.export archives: told apart by their lists, and nothing is unpickled."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import exported_networks as networks
import pytest
import torch
from exported_networks import export, z

from c2l.errors import BadWeights, C2LError
from c2l_exported.files import archives


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("archives")
    return {kind: export(kind, networks.Plain(), (z(),), folder) for kind in networks.ENDINGS}


def test_each_is_recognised_by_its_own_kind_alone(made: dict[str, Path]) -> None:
    for kind, cls in networks.CLASSES.items():
        for other, path in made.items():
            assert cls.recognises(path) == (kind == other)


def test_recognising_never_fails(tmp_path: Path, made: dict[str, Path]) -> None:
    odd = {
        "empty": b"",
        "text": b"hello",
        "zip": b"PK\x03\x04" + b"\0" * 40,
        "cut": made["torchscript"].read_bytes()[:-500],
        "cut onnx": made["onnx"].read_bytes()[:-9],
        "zeros": bytes(5000),
    }
    for name, data in odd.items():
        (tmp_path / name).write_bytes(data)
    for cls in networks.CLASSES.values():
        for name in odd:
            assert not cls.recognises(tmp_path / name), name
        assert not cls.recognises(tmp_path)
        assert not cls.recognises(tmp_path / "nothing")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickled_module_is_refused_unopened(tmp_path: Path, legacy: bool) -> None:
    path, sprung = tmp_path / "g.pt", tmp_path / "sprung"
    torch.save({"trap": Trap(sprung)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BadWeights, match=r"pickled module.*torch\.jit\.trace.*c2l\.wrap") as error:
        archives.check_torchscript(path)
    assert "\n" not in str(error.value)
    assert not sprung.exists()
    assert not archives.recognises_torchscript(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_weights_alone_are_refused(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "g.pt"
    state = networks.Plain().state_dict()
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BadWeights, match=r"a state dict.*torch\.jit\.trace"):
        archives.check_torchscript(path)


def test_a_file_of_the_other_kind_says_which(made: dict[str, Path]) -> None:
    with pytest.raises(BadWeights, match="write export:"):
        archives.check_torchscript(made["export"])
    with pytest.raises(BadWeights, match="write torchscript:"):
        archives.check_export(made["torchscript"])
    with pytest.raises(BadWeights, match="neither a file of TorchScript nor"):
        archives.check_torchscript(made["onnx"])


def test_a_truncated_file(tmp_path: Path, made: dict[str, Path]) -> None:
    path = tmp_path / "g.pt"
    data = made["torchscript"].read_bytes()
    for length in (0, 3, 100, len(data) // 2, len(data) - 10):
        path.write_bytes(data[:length])
        with pytest.raises(C2LError):
            archives.check_torchscript(path)


def test_a_zip_bomb_is_refused_by_size(tmp_path: Path, made: dict[str, Path]) -> None:
    """Only the list is read: what it would grow to stands there."""
    path = tmp_path / "g.pt"
    path.write_bytes(made["torchscript"].read_bytes())
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("g/data/99", "w", force_zip64=True) as bomb,
    ):
        for _ in range(100):
            bomb.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(BadWeights, match="many times its size"):
        archives.check_torchscript(path)


def test_machine_code_is_refused(tmp_path: Path, made: dict[str, Path]) -> None:
    path = tmp_path / "g.pt2"
    path.write_bytes(made["export"].read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("g/data/aotinductor/model/x.so", b"\x7fELF")
    with pytest.raises(BadWeights, match="machine code"):
        archives.check_export(path)


def test_a_list_out_of_proportion_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "g.pt"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("g/constants.pkl", b"")
    data = bytearray(buffer.getvalue())
    data[-10:-6] = (1 << 30).to_bytes(4, "little")  # the length of the list
    path.write_bytes(data)
    assert not archives.recognises_torchscript(path)
    with pytest.raises(BadWeights, match="table of contents"):
        archives.check_torchscript(path)
