"""However weights are packed, opening them takes at most four times their file in memory.

Measured from outside Python's own accounts, as the peak of a process of their own.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from nvidia_writer import nvidia_modules, record
from other_layouts import LAYOUTS, Net, basicsr, small
from tensorflow_writer import as_tensorflow, dump_tensorflow

from c2l_stylegan.generator import StyleGAN

MOST = 4
"""Times the size of the file."""
BOMB = 8 << 20

OPENING = """
import ctypes, gc, json, re, sys, warnings
from pathlib import Path

import c2l
from c2l.errors import C2LError

def status(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

def opened(path):
    try:
        c2l.load_generator(path, device="cpu")
    except C2LError as error:
        return str(error)
    return ""

warnings.simplefilter("ignore")
trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda kept: None)
warm, *paths = sys.argv[1:]
opened(warm)
found = {}
for path in paths:
    gc.collect()
    trim(0)  # else what was freed is used again, and seems to be nothing
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    said = opened(path)
    found[Path(path).name] = said, status("VmHWM") - before
print(json.dumps(found))
"""


class Evil:
    """Creates a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


def zipped(inside: bytes, name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, inside)
    return packed.getvalue()


def files_of(net: StyleGAN, folder: Path, canary: Path) -> tuple[list[Path], list[Path]]:
    """Files that open, and files that want something executed or grow without end."""
    good, bad = [], []

    def write(name: str, value: Any) -> Path:
        path = folder / name
        with nvidia_modules():
            torch.save(value, path)
        return path

    whole = {"g_ema": torch.nn.DataParallel(Net(LAYOUTS["rosinality"](net)))}
    good.append(write("module.pt", whole))
    bad.append(write("module-evil.pt", {**whole, "args": Evil(canary)}))
    good.append(write("nvidia.pt", {"G_ema": record(net)}))
    good.append(write("basicsr.pth", {"params_ema": basicsr(net)}))
    bad.append(write("basicsr-evil.pth", {"params_ema": basicsr(net), "resume": Evil(canary)}))
    gs = as_tensorflow(net)
    good.append(dump_tensorflow(folder / "tf.pkl", (gs, gs, gs)))
    gs.static_kwargs["impl"] = Evil(canary)
    bad.append(dump_tensorflow(folder / "tf-evil.pkl", (gs, gs, gs)))
    twice = folder / "twice.zip"
    twice.write_bytes(zipped(zipped(good[0].read_bytes(), "x.pt"), "x.zip"))
    good.append(twice)
    bomb = folder / "bomb.pt.gz"
    # Members one after another are one file to gzip, and a small one is quickly made.
    zeros = gzip.compress(bytes(BOMB))
    bomb.write_bytes(zeros * (BOMB // len(zeros)))
    return good, [*bad, bomb]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells it")
def test_memory_stays_below_four_times_the_file(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    warm = tmp_path / "warm.pt"
    torch.save({"g_ema": LAYOUTS["rosinality"](small())}, warm)
    good, bad = files_of(small(channels=dict.fromkeys((4, 8, 16), 320)), tmp_path, canary)
    command = [sys.executable, "-c", OPENING, *map(str, (warm, *good, *bad))]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)
    assert {path.name: found[path.name][0] for path in good} == {path.name: "" for path in good}
    for path in bad:
        wanted = "grow to many times its size" if path.name.startswith("bomb") else "mkdir"
        assert wanted in found[path.name][0]
    grown = {p.name: found[p.name][1] / p.stat().st_size for p in (*good, *bad)}
    assert max(grown.values()) < MOST, grown
    assert not canary.exists()
