"""A plugin of somebody else's: installed, listed, trained for, drawn with, and removed again."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "c2l-dcgan"
EMBEDDER = f"openclip:{ROOT / 'tests' / 'data' / 'openclip-tiny' / 'tiny-gelu'}"


@dataclass(frozen=True)
class Machine:
    """A fresh venv that sees all that is installed around it, as c2l and torch, at no cost."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Machine:
        venv.create(folder / "venv", symlinks=os.name != "nt")
        machine = cls(folder)
        site = machine.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout
        outer = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        # addsitedir, unlike a plain path, also follows the .pth files of editable installs there.
        lines = [f"import site; site.addsitedir({path!r})" for path in outer]
        (Path(site.strip()) / "outer.pth").write_text("\n".join(lines), encoding="utf-8")
        return machine

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run its python; the exit code must be ``code``."""
        python = self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        done = subprocess.run(
            [python, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stderr}"
        return done

    def c2l(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "c2l", *arguments, code=code)

    def listed(self, group: str) -> dict[str, dict[str, Any]]:
        """The rows of ``c2l plugins list`` or ``c2l models list`` by name."""
        rows = json.loads(self.c2l(group, "list", "--json").stdout)
        return {row.get("reference") or row["name"]: row for row in rows}

    def draw(self, *arguments: str) -> list[dict[str, Any]]:
        """The lines of ``c2l sample --json``."""
        out = self.c2l("sample", "a red blob", "--seeds", "1-3", "--json", *arguments).stdout
        return [json.loads(line) for line in out.splitlines()]

    def pixels(self, row: dict[str, Any]) -> bytes:
        with Image.open(self.folder / row["path"]) as image:
            assert image.size == (32, 32)
            return image.convert("RGB").tobytes()


@pytest.mark.timeout(1800)  # a dozen processes: half a minute of work, much more on a busy machine
def test_from_installing_it_to_removing_it(tmp_path: Path) -> None:
    if any(d.name == "c2l-dcgan" for d in importlib.metadata.distributions()):
        pytest.skip("c2l-dcgan is installed here already; pip uninstall it to test installing it")
    machine = Machine.make(tmp_path)
    assert "dcgan" not in machine.listed("plugins")

    pip = ("-m", "pip", "--disable-pip-version-check")
    quick = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    machine.run(*pip, "install", *quick, str(PACKAGE))
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

    rows = machine.draw("-p", prior, "-o", "by-card")
    assert {row["generator"] for row in rows} == {"dcgan:blobs"}
    pictures = [machine.pixels(row) for row in rows]
    assert len(set(pictures)) == 3, "each seed gives a picture of its own"
    again = machine.draw("-p", prior, *parts, "-o", "by-name")
    assert [machine.pixels(row) for row in again] == pictures

    machine.run(*pip, "uninstall", "--quiet", "--yes", "c2l-dcgan")
    assert "dcgan" not in machine.listed("plugins")
    assert not any(name.startswith("dcgan") for name in machine.listed("models"))
    said = machine.c2l("sample", "a red blob", "-p", prior, code=4).stderr.splitlines()
    (error,) = [line for line in said if line.startswith("error: ")]
    assert "dcgan:blobs" in error
    assert "pip install c2l-dcgan" in error
