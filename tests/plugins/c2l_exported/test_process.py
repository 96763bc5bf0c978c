"""A network in a process of its own: what it may not do there, and how its failures end."""

from __future__ import annotations

import copy
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import exported_networks as networks
import numpy as np
import pytest
import torch
from exported_networks import export, load, z
from torch import Tensor, nn

from c2l.errors import PluginFailed
from c2l_exported import process
from c2l_exported.process import Child, Ended, Refused

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="walls are Linux's")
HOW: Any = {"device": "cpu", "threads": 1, "seed": 0, "only": None}


class Writes(nn.Module):
    """Makes a file, as TorchScript can."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, z: Tensor) -> Tensor:
        return z + torch.from_file(self.path, shared=True, size=1, dtype=torch.float32)


class Hangs(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        while bool(z.sum() > -1e9):
            z = z + 1
        return z


def scripted(module: nn.Module, folder: Path) -> Path:
    torch.jit.script(module).save(folder / "g.pt")  # type: ignore[no-untyped-call]
    return folder / "g.pt"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return export("onnx", networks.Plain(), (z(),), tmp_path)


def draw(child: Child) -> Any:
    return child.run([z().numpy()], **HOW)


@LINUX
def test_a_program_writes_no_file(tmp_path: Path) -> None:
    """It could without the wall: the same program writes its file in this process."""
    written = tmp_path / "written"
    program = Writes(str(written))
    child = Child("torchscript", scripted(program, tmp_path))
    if "files" not in child.signature().walls:
        pytest.skip("this kernel has no Landlock")
    with pytest.raises(Refused, match=r"ermission|denied|open"):
        draw(child)
    assert not written.exists()
    program(z())
    assert written.exists()


@LINUX
def test_the_walls_stand() -> None:
    """No socket of any family, no other process, no file; what is needed still works."""
    code = f"""
import os, socket, sys, ctypes, tempfile
sys.path[:] = {sys.path!r}
from c2l_exported.child.walls import build_walls
folder = sys.argv[1]
print(*build_walls(folder))
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    try:
        socket.socket(family).connect(("127.0.0.1", 9))
        print("a socket")
    except OSError as error:
        print("none" if error.errno in (1, 101) else error)
print("ptrace", ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0))
for place in (os.path.join(os.path.dirname(folder), "new"), folder + "/new"):
    try:
        open(place, "w").close()
        print("wrote")
    except OSError as error:
        print("no")
open(os.devnull, "w").close()
"""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        inside = os.path.join(folder, "inside")
        os.mkdir(inside)
        said = subprocess.run(
            [sys.executable, "-c", code, inside], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    assert "network" in said[0].split()
    assert said[1:5] == ["none"] * 4
    assert said[5] == "ptrace -1"
    if "files" in said[0].split():
        assert said[6:] == ["no", "wrote"]


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    child = Child("torchscript", scripted(Hangs(), tmp_path))
    child.signature()
    with pytest.raises(Ended, match="gave no answer for 1 seconds"):
        child.run([z().numpy()], patience=1, **HOW)


def test_one_that_hangs_is_one_line_to_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scripted(Hangs(), tmp_path)
    real = Child.run
    monkeypatch.setattr(Child, "run", lambda self, arrays, **how: real(self, arrays, **how | QUICK))
    with pytest.raises(PluginFailed, match=r"the process that runs .*g\.pt gave no answer"):
        load(path)


QUICK = {"patience": 1}


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGSEGV, "died of SIGSEGV"), (signal.SIGKILL, "lack of memory")]
)
def test_one_that_dies_is_one_line_and_the_next_question_starts_another(
    plain: Path, number: int, said: str
) -> None:
    child = Child("onnx", plain)
    (first,) = draw(child)
    assert child._process is not None
    real = process._write

    def write(pipe: Any, question: Any, arrays: Any) -> None:
        os.kill(child._process.pid, signal.SIGSTOP)  # it must not answer before it dies
        real(pipe, question, arrays)
        os.kill(child._process.pid, number)
        os.kill(child._process.pid, signal.SIGCONT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_write", write)
        with pytest.raises(Ended, match=said):
            draw(child)
    (again,) = draw(child)
    assert np.array_equal(first, again)


def test_an_interrupt_leaves_no_half_answer(plain: Path) -> None:
    child = Child("onnx", plain)
    (first,) = draw(child)

    def interrupted(pipe: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            child.run([2 * z().numpy()], **HOW)
    assert np.array_equal(draw(child)[0], first)


def test_what_it_prints_does_not_come_between(tmp_path: Path) -> None:
    class Talks(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            print("{}", z)
            return z

    (answer,) = draw(Child("torchscript", scripted(Talks(), tmp_path)))
    assert np.array_equal(answer, z().numpy())


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        b"\x02\0\0\0[]",
        b"\x03\0\0\0{x}",
        b'\x0d\0\0\0{"arrays": 1}',
        b'\x37\0\0\0{"arrays": [{"dtype": "float32", "shape": [9999999999]}]}',
        b'\x2f\0\0\0{"arrays": [{"dtype": "object", "shape": [1]}]}',
    ],
)
def test_what_is_no_answer_is_refused(said: bytes, plain: Path) -> None:
    """The parent believes nothing that comes back, and takes no memory for what is only claimed."""
    import io

    child = Child("onnx", plain)
    child.signature()
    real = process._read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_read", lambda pipe: real(io.BytesIO(said)))
        with pytest.raises(Ended, match=r"no answer|died"):
            draw(child)


def test_a_copy_is_another_process(plain: Path) -> None:
    child = Child("onnx", plain)
    draw(child)
    other = copy.deepcopy(child)
    assert np.array_equal(draw(other)[0], draw(child)[0])
    assert other._process is not None and child._process is not None
    assert other._process.pid != child._process.pid


def test_it_ends_with_its_owner(plain: Path) -> None:
    child = Child("onnx", plain)
    draw(child)
    running = child._process
    assert running is not None
    del child
    assert running.wait(timeout=20) is not None


def test_temporary_files_are_removed(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child("onnx", plain)
    draw(child)
    (folder,) = [a for a in child._process.args[4:] if os.path.isdir(a)]  # type: ignore[union-attr, index]
    child.close()
    deadline = time.monotonic() + 20
    while os.path.exists(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(folder)
