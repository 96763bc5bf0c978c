"""A law that nothing breaks is worth nothing: each mutant breaks one law, and no other.

Where one fault would show in several laws, the more basic one names it, and the others say that
they were not checked.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from c2l.conformance.laws import LAWS
from c2l.plugins import registry
from c2l.testing import check, install_package, on_path

FOLDER = Path(__file__).parent / "mutants"
MODULES = ("broken_generators", "broken_embedders", "broken_priors")

# On the path of this process, and so of the other one that uses each of them.
sys.path.insert(0, str(FOLDER))
for module in MODULES:
    importlib.import_module(module)
MUTANTS: list[tuple[str, Callable[..., Any]]] = sys.modules["mutant"].MUTANTS


def title(mutant: Callable[..., Any]) -> str:
    return f"{mutant.__module__.removeprefix('broken_')[:-1]}-{mutant.__name__}"


@pytest.mark.parametrize(("law", "mutant"), MUTANTS, ids=[title(mutant) for _, mutant in MUTANTS])
def test_one_law_is_broken(law: str, mutant: Callable[..., Any]) -> None:
    report = check(mutant)
    assert [failure.law for failure in report.failures] == [law], str(report)
    assert report.exit_code == 7


DESCRIBING = {
    "heavy": ("describing_its_plugin_is_light", "import torch", "imports torch"),
    "slow": (
        "describing_its_plugin_is_light",
        "import time\nstart = time.process_time()\nwhile time.process_time() < start + 0.1: pass",
        "takes 0.1",
    ),
    "writes": (
        "describing_its_plugin_only_describes",
        "import pathlib\npathlib.Path(__file__).with_name('log').write_text('')",
        "writes ",
    ),
    "asks": (
        "describing_its_plugin_only_describes",
        "import socket\ntry: socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError: pass",
        "opens a connection",
    ),
    "sets": (
        "describing_its_plugin_only_describes",
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
        "sets an environment variable",
    ),
    "seeds": (
        "describing_its_plugin_only_describes",
        "import random\nrandom.seed(0)",
        "changes Python's global random state",
    ),
}
"""By name: a law, the line that breaks it, and what is said."""


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plugin for each; all of them have the toy generator."""
    folder = tmp_path_factory.mktemp("site")
    for name, (_, line, _) in DESCRIBING.items():
        hook = f"""
@c2l.hookimpl
def c2l_register_kinds(register):
    register(c2l.KindSpec("{name}-toy", "generator", "ready_toy:Toy", "s", open_names=True))
"""
        install_package(folder, f"c2l-{name}", {name: f"import c2l\n{line}\n{hook}"})
    (folder / "ready_toy.py").write_text(
        "from c2l.testing import ToyGenerator\n"
        "class Toy(ToyGenerator):\n"
        "    @classmethod\n"
        "    def load(cls, source): return cls().eval()\n"
    )
    registry.cache_clear()
    with on_path(folder):
        yield
    registry.cache_clear()


@pytest.mark.parametrize("name", DESCRIBING)
def test_one_law_of_describing_is_broken(described: None, name: str) -> None:
    law, _, says = DESCRIBING[name]
    report = check(f"{name}-toy:x")
    assert [failure.law for failure in report.failures] == [law], str(report)
    assert says in report.failures[0].said


def test_there_are_enough() -> None:
    assert len(MUTANTS) + len(DESCRIBING) >= 60


@pytest.mark.parametrize(("interface", "module"), list(zip(LAWS, MODULES, strict=True)))
def test_every_law_is_broken_by_something(interface: Any, module: str) -> None:
    broken = {law for law, mutant in MUTANTS if mutant.__module__ == module}
    described = {law.name for law in LAWS[interface] if law.name.startswith("describing_")}
    assert {law.name for law in LAWS[interface]} - described == broken
    assert described == {law for law, _, _ in DESCRIBING.values()}
