"""``c2l new``: which names it takes, and what it writes: a whole package or nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import demo_weights
import pytest
import torch
from safetensors.torch import load_file

from c2l.errors import BadInput, BadPath, NotWritable
from c2l.service import new_package, scaffold
from c2l.version import __version__
from c2l_registry import Interface
from c2l_registry.cards import read_cards

INTERFACES: tuple[Interface, ...] = ("generator", "embedder", "prior")
# Words of Python and torch, and names at the edges of what is allowed.
NAMES = [
    "my-gan",
    "none",
    "class",
    "tensor",
    "c2",
    "generator",
    "a-1-b-2",
    "abcdefghijklmnopqrstuvwxyz",
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_can_be_read(interface: Interface, name: str, here: Path) -> None:
    made = new_package(interface, name)
    folder = here / f"c2l-{name}"
    assert made.name == name and made.folder == folder.name
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert sorted(found) == list(made.files)
    module = folder.name.replace("-", "_")
    assert {f"src/{module}/{interface}.py", ".github/workflows/test.yml"} <= set(made.files)

    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == folder.name
    assert project["entry-points"]["c2l.plugins"] == {name: module}
    major, minor, *_ = __version__.split(".")
    assert project["dependencies"] == [f"c2l>={major}.{minor},<{int(major) + 1}"]
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".safetensors":
            text = path.read_text(encoding="utf-8")
            assert "$" not in text.replace("${{ matrix.python }}", ""), path
            assert path.suffix != ".py" or ast.parse(text)
    models, _ = read_cards(folder / "src" / module / "cards" / "cards.toml")
    assert all((folder / "src" / module / "cards" / model.file).is_file() for model in models)


@pytest.mark.parametrize("name", ["c2", "abcdefghijklmnopqrstuvwxyz"])
def test_ruff_has_nothing_to_say(name: str, here: Path) -> None:
    for interface in INTERFACES:
        new_package(interface, name, Path(interface))
        for task in ("check", "format --diff"):
            ruff = (sys.executable, "-m", "ruff", *task.split(), "--no-cache", ".")
            done = subprocess.run(ruff, cwd=interface, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("interface", ["generator", "prior"])
def test_the_cards_in_waiting_are_cards(interface: Interface, here: Path) -> None:
    """Those whose marks an author removes once there is a prior."""
    new_package(interface, "my-own")
    cards = here / "c2l-my-own" / "src" / "c2l_my_own" / "cards" / "cards.toml"
    lines = cards.read_text(encoding="utf-8").splitlines()
    start = lines.index("#")
    marked = [line.removeprefix("#").removeprefix(" ") for line in lines[start:]]
    cards.write_text("\n".join(lines[:start] + marked), encoding="utf-8")
    models, (recipe,) = read_cards(cards)
    assert recipe.name == "my-own"
    assert recipe.prior in [model.reference for model in models]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("My GAN", "my-gan"),
        ("my_gan", "my-gan"),
        ("c2l-blobs", "blobs"),
        ("2gans", "gans"),
        ("my--gan", "my-gan"),
        ("gan-", "gan"),
        ("x", "my-gan"),
        ("", "my-gan"),
        ("漢字", "my-gan"),
        ("../../etc/passwd", "etc-passwd"),
        ("my-gan:demo", "my-gan-demo"),
        ("a" * 27, "my-gan"),
        ("gan\n", "gan"),
    ],
)
def test_names_that_cannot_be(name: str, near: str, here: Path) -> None:
    with pytest.raises(BadInput) as caught:
        new_package("generator", name)
    assert caught.value.field == "name"
    assert caught.value.hint == f"Use a name like {near}"
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("flow", "c2l provides priors"),
        ("openclip", "c2l provides embedders"),
        ("demo", "c2l "),
        ("registry", "a module c2l_registry"),
        ("demo-workshop", "a module c2l_demo_workshop"),
    ],
)
def test_names_that_are_taken(name: str, owner: str, here: Path) -> None:
    with pytest.raises(BadInput, match=owner) as caught:
        new_package("prior", name)
    assert caught.value.field == "name"
    assert not list(here.iterdir())


def test_the_folder_can_be_chosen(here: Path) -> None:
    made = new_package("prior", "my-own", Path("some where") / "mine")
    assert (here / "some where" / "mine" / "pyproject.toml").is_file()
    assert made.commands[0] == "pip install -e './some where/mine'"


@pytest.mark.parametrize("there", ["file", "empty", "full", "nowhere"])
def test_what_is_there_stays(there: str, here: Path) -> None:
    target = here / "mine"
    if there == "file":
        target.write_text("my work")
    elif there == "nowhere":
        target.symlink_to(here / "gone")
    else:
        target.mkdir()
        if there == "full":
            (target / "work.py").write_text("my work")
    before = sorted(here.rglob("*"))
    with pytest.raises(BadInput, match="already exists") as caught:
        new_package("generator", "my-gan", target)
    assert caught.value.field == "out"
    assert sorted(here.rglob("*")) == before


def test_nothing_is_written_by_halves(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    original = Path.write_bytes

    def full_disk(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        return original(path, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(NotWritable, match="No space left"):
        new_package("generator", "my-gan")
    assert len(written) == 5
    assert not list(here.iterdir())


def test_a_place_that_cannot_be(here: Path) -> None:
    (here / "file").write_text("")
    with pytest.raises(NotWritable):
        new_package("generator", "my-gan", here / "file" / "below")
    with pytest.raises(BadPath):
        new_package("generator", "my-gan", Path("a\0b"))
    assert [path.name for path in here.iterdir()] == ["file"]


@pytest.mark.parametrize("name", demo_weights.MADE)
def test_the_script_makes_the_weights_that_ship(name: str) -> None:
    path = scaffold.TEMPLATES / name / "src" / "MODULE" / "cards" / "demo.safetensors"
    shipped, made = load_file(path), demo_weights.MADE[name]()
    assert shipped.keys() == made.keys()
    for key, tensor in made.items():
        torch.testing.assert_close(shipped[key], tensor, atol=1e-5, rtol=0)
