"""Seven plugins of somebody else's, in a fresh environment: each by itself, and together."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import numpy as np
import pytest
from machine import Machine
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
FETCHING = {
    "c2l-digiface": ("--no-deps", "gan-face-generate==1.1.1"),
    "c2l-transformers": ("transformers>=5",),
}
"""What is fetched from the registry of packages, for which examples."""
OTHERS = ("c2l-cgan", "c2l-colours", "c2l-cvae", "c2l-fourier", "c2l-vae")

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """All seven are installed, and nothing else."""
    names = {*OTHERS, *FETCHING}
    here = sorted(d.name for d in importlib.metadata.distributions() if d.name in names)
    if here:
        pytest.skip(f"installed here already; pip uninstall {' '.join(here)} to test installing")
    machine = Machine.make(tmp_path_factory.mktemp("foreign"))
    machine.install(*(str(EXAMPLES / name) for name in sorted(names)))
    return machine


def own_tests(machine: Machine, *names: str) -> str:
    """What pytest says of the tests that packages bring along."""
    folders = [str(EXAMPLES / name / "tests") for name in names]
    alone = ("-c", "/dev/null", "--rootdir", str(machine.folder), "--import-mode=importlib")
    done = machine.run("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *alone, *folders)
    return done.stdout


def test_all_are_listed(machine: Machine) -> None:
    plugins, models = machine.listed("plugins"), machine.listed("models")
    for name in (*OTHERS, *FETCHING):
        plugin = plugins[name.removeprefix("c2l-")]
        assert (plugin["dist"], plugin["state"]) == (name, "available")
        assert not plugin["note"], "it is heavy to describe"
    kinds = {"vae": "generator", "transformers": "embedder", "cvae": "prior", "fourier": "prior"}
    names = {"digiface:faces": "generator", "cgan:discs": "generator", "colours:27": "embedder"}
    for reference, interface in {**kinds, **names}.items():
        assert models[reference]["interface"] == interface


def test_what_is_lacking_is_told_in_one_line(machine: Machine) -> None:
    """Before anything is fetched."""
    parts = ("-g", "digiface:faces", "-e", "colours:27")
    said = machine.c2l("pairs", *parts, "--num", "8", "--out", "none", code=6).stderr
    (error,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "pip install --no-deps gan-face-generate==1.1.1" in error


def test_each_passes_its_own_tests(machine: Machine) -> None:
    said = own_tests(machine, *OTHERS)
    assert "passed" in said and "skipped" not in said


def test_text_chooses_a_class(machine: Machine) -> None:
    """A generator, an embedder and a prior of three packages that know nothing of each other."""
    parts = ("-g", "cgan:discs", "-e", "colours:27", "--prior", "fourier")
    machine.c2l("train", *parts, "--num", "2000", "--no-student", "--out", "discs.safetensors")
    channels = {"something red": 0, "green": 1, "a blue photo": 2}
    (machine.folder / "prompts.txt").write_text("\n".join(channels), encoding="utf-8")
    drawing = ("-p", "./discs.safetensors", "--prompts-file", "prompts.txt", "--seeds", "1-8")
    rows = [json.loads(r) for r in machine.c2l("sample", *drawing, "--json").stdout.splitlines()]
    assert len(rows) == 24
    leads = []
    for row in rows:
        picture = Image.open(machine.folder / row["path"]).convert("RGB")
        middle = np.asarray(picture)[12:20, 12:20].mean(axis=(0, 1))
        leads.append(int(middle.argmax()) == channels[row["prompt"]])
    assert sum(leads) > 0.7 * len(leads)


@pytest.mark.parametrize("name", FETCHING)
def test_each_passes_its_own_tests_with_what_is_fetched(machine: Machine, name: str) -> None:
    if not machine.fetch(*FETCHING[name]):
        pytest.skip(f"the registry of packages gives no {FETCHING[name][-1]}")
    said = own_tests(machine, name)
    assert "passed" in said and "skipped" not in said
