"""A plugin of somebody else's: installed, listed, trained for, drawn with, and removed again."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest
from machine import Machine
from PIL import Image

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "c2l-dcgan"
EMBEDDER = f"openclip:{ROOT / 'tests' / 'data' / 'openclip-tiny' / 'tiny-gelu'}"


def draw(machine: Machine, *arguments: str) -> list[dict[str, Any]]:
    """The lines of ``c2l sample --json``."""
    out = machine.c2l("sample", "a red blob", "--seeds", "1-3", "--json", *arguments).stdout
    return [json.loads(line) for line in out.splitlines()]


def pixels(machine: Machine, row: dict[str, Any]) -> bytes:
    with Image.open(machine.folder / row["path"]) as image:
        assert image.size == (32, 32)
        return image.convert("RGB").tobytes()


@pytest.mark.timeout(1800)  # a dozen processes: half a minute of work, much more on a busy machine
def test_from_installing_it_to_removing_it(tmp_path: Path) -> None:
    if any(d.name == "c2l-dcgan" for d in importlib.metadata.distributions()):
        pytest.skip("c2l-dcgan is installed here already; pip uninstall it to test installing it")
    machine = Machine.make(tmp_path)
    assert "dcgan" not in machine.listed("plugins")

    machine.install(str(PACKAGE))
    plugin = machine.listed("plugins")["dcgan"]
    assert (plugin["dist"], plugin["state"]) == ("c2l-dcgan", "available")
    models = machine.listed("models")
    assert models["dcgan"]["interface"] == "generator"
    assert models["dcgan:blobs"]["state"] == "embedded"
    assert models["dcgan:blobs"]["resolution"] == 32
    machine.run("-m", "pytest", "-p", "no:cacheprovider", str(PACKAGE / "tests"))

    parts = ("-g", "dcgan:blobs", "-e", EMBEDDER)
    prior = "./blobs.safetensors"
    machine.c2l("train", *parts, "--num", "80", "--prior", "flow", "--steps", "5", "--out", prior)

    rows = draw(machine, "-p", prior, "-o", "by-card")
    assert {row["generator"] for row in rows} == {"dcgan:blobs"}
    pictures = [pixels(machine, row) for row in rows]
    assert len(set(pictures)) == 3, "each seed gives a picture of its own"
    again = draw(machine, "-p", prior, *parts, "-o", "by-name")
    assert [pixels(machine, row) for row in again] == pictures

    machine.uninstall("c2l-dcgan")
    assert "dcgan" not in machine.listed("plugins")
    assert not any(name.startswith("dcgan") for name in machine.listed("models"))
    said = machine.c2l("sample", "a red blob", "-p", prior, code=4).stderr.splitlines()
    (error,) = [line for line in said if line.startswith("error: ")]
    assert "dcgan:blobs" in error
    assert "pip install c2l-dcgan" in error
