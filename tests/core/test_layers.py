"""Who may import whom: the contracts in pyproject.toml hold, and see what breaks them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(f"examples/{src.parent.name}/src" for src in ROOT.glob("examples/*/src"))
SOURCES = ["core", "registry", "plugins", *EXAMPLES]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all Python sources, to break."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for folder in SOURCES:
        for file in (ROOT / folder).rglob("*.py"):
            place = copy / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
    return copy


def lint(tree: Path) -> tuple[int, str]:
    """The exit code of ``lint-imports``, and what it says."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--cache-dir", ".cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(tree / f) for f in SOURCES)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_hold(tree: Path) -> None:
    code, said = lint(tree)
    assert code == 0, said


# In which folder, what, and the module that is found. All of it is added to one tree.
FORBIDDEN = [
    ("plugins/c2l_priors", "import c2l.pipeline", "c2l.pipeline"),
    ("plugins/c2l_priors", "from c2l import files", "c2l.files"),
    ("plugins/c2l_openclip", "from c2l import hookspecs", "c2l.hookspecs"),
    ("plugins/c2l_stylegan", "import c2l.reading.pickles", "c2l.reading.pickles"),
    ("plugins/c2l_gans", "import c2l_stylegan.generator", "c2l_stylegan.generator"),
    ("plugins/c2l_gans", "import c2l_priors.flow", "c2l_priors.flow"),
    ("plugins/c2l_demo", "import c2l_registry", "c2l_registry"),
    ("plugins/c2l_demo", "import c2l_stylegan.generator", "c2l_stylegan.generator"),
    ("examples/c2l-dcgan/src/c2l_dcgan", "import c2l.generator", "c2l.generator"),
    ("core/c2l/prompts", "import c2l.pipeline", "c2l.pipeline"),
    ("core/c2l/reading", "def late():\n    import c2l.loading", "c2l.loading"),
    ("core/c2l/training", "from c2l import Pipeline", "c2l"),
    ("core/c2l/evaluation", "import c2l.cli.output", "c2l.cli.output"),
    ("core/c2l/training", "import c2l_priors.flow", "c2l_priors.flow"),
    ("core/c2l/cli", "from c2l.training import train_prior", "c2l.training"),
    ("registry/c2l_registry", "import c2l.errors", "c2l.errors"),
    ("registry/c2l_registry", "import torch", "torch"),
]
ALLOWED = [
    ("plugins/c2l_priors", "import c2l, c2l.errors, c2l.ranges, c2l.reading"),
    ("examples/c2l-dcgan/src/c2l_dcgan", "from c2l.testing import ToyEmbedder"),
    ("plugins/c2l_gans", "from c2l_stylegan.shared import unit_rms"),
    ("core/c2l/cli", "from c2l.service import session"),
]


@pytest.fixture(scope="module")
def said(tree: Path) -> str:
    """What is said of a tree to which all of these imports were added."""
    imports = [(folder, text) for folder, text, _ in FORBIDDEN] + ALLOWED
    added = [tree / folder / f"added{i}.py" for i, (folder, _) in enumerate(imports)]
    for file, (_, text) in zip(added, imports, strict=True):
        file.write_text(text + "\n", encoding="utf-8")
    code, output = lint(tree)
    for file in added:
        file.unlink()
    assert code == 1
    return output


@pytest.mark.parametrize("index", range(len(FORBIDDEN)), ids=[text for _, text, _ in FORBIDDEN])
def test_an_import_that_is_not_allowed(said: str, index: int) -> None:
    assert f".added{index} -> {FORBIDDEN[index][2]} (l." in said, said


@pytest.mark.parametrize("index", range(len(ALLOWED)), ids=[text for _, text in ALLOWED])
def test_an_import_that_is_allowed(said: str, index: int) -> None:
    assert f".added{len(FORBIDDEN) + index} ->" not in said


def test_a_module_without_a_layer(tree: Path) -> None:
    file = tree / "core" / "c2l" / "added.py"
    file.write_text("", encoding="utf-8")
    code, said = lint(tree)
    file.unlink()
    assert code == 1
    assert "- c2l.added" in said.split("Broken contracts")[-1], said


def test_every_plugin_is_looked_at() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]
    plugins = {file.parent.name for file in (ROOT / "plugins").glob("*/__init__.py")}
    plugins |= {file.parent.name for file in (ROOT / "examples").glob("*/src/*/__init__.py")}
    assert plugins | {"c2l", "c2l_registry"} == set(linter["root_packages"])
    (doors,) = (c for c in linter["contracts"] if c["name"] == "plugins import public doors alone")
    assert plugins == set(doors["source_modules"])
