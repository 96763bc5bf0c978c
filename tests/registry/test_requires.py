"""Plugins for another version of c2l are rows that say so, and break nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import PluginRecord, Registry
from c2l_registry.errors import PluginFailed

GROUP = "c2l.plugins_of_a_test"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "site") as folder:
        install_package(folder, "c2l-good", {"good": plugin_source("good")}, group=GROUP)
        yield folder


def registry(tmp_path: Path, **environ: str) -> Registry:
    environ = {"C2L_HOME": str(tmp_path / "home"), **environ}
    return Registry(hookspecs, group=GROUP, environ=environ)


def row(tmp_path: Path, name: str) -> PluginRecord:
    return next(r for r in registry(tmp_path).describe() if r.name == name)


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("c2l>=99", "incompatible"),
        ("C2L >=0.0.1, <99", "available"),
        ("c2l[eval]<0.0.1", "incompatible"),
        ("c2l>=99; python_version < '3'", "available"),
        ("c2l>=99; extra == 'new'", "available"),
        ("c2l-other>=99", "available"),
        ("c2l is not a requirement", "available"),
        ("c2l>=99; python_version ~= 'x'", "available"),
        ("c2l>=99; nonsense == 'x'", "available"),
    ],
)
def test_by_metadata_without_an_import(site: Path, tmp_path: Path, line: str, state: str) -> None:
    source = "import pathlib\npathlib.Path(__file__).with_name('run').touch()\n"
    plugins = {"new": source + plugin_source("new")}
    install_package(site, "c2l-new", plugins, group=GROUP, requires=["numpy", line])
    assert row(tmp_path, "new").state == state
    assert (site / "run").exists() == (state == "available")
    assert "good" in registry(tmp_path).kinds()


@pytest.mark.parametrize(
    ("source", "state", "says"),
    [
        ("requires_c2l = '>=99'\n", "incompatible", "it needs c2l>=99, but this is c2l "),
        ("requires_c2l: str = '>=99'\nfrom c2l import Later\n", "incompatible", "needs c2l>=99"),
        ("requires_c2l = '>=' + str(99)\n", "incompatible", "needs c2l>=99"),
        ("requires_c2l = '>=0.0.1,<99'\n", "available", ""),
        ("requires_c2l = 'new'\n", "failed", "requires_c2l = 'new' names no versions, as '>=1"),
        ("requires_c2l = 2\n", "failed", "requires_c2l = 2 names no versions"),
        ("def f():\n    requires_c2l = '>=99'\n", "available", ""),
    ],
)
def test_by_its_own_word(site: Path, tmp_path: Path, source: str, state: str, says: str) -> None:
    plugins = {"new": source + plugin_source("new")}
    install_package(site, "c2l-new", plugins, group=GROUP)
    for _ in range(2):  # asked, and remembered
        found = row(tmp_path, "new")
        assert found.state == state
        assert says in found.error
    opened = registry(tmp_path)
    assert "good" in opened.kinds()
    if state == "incompatible":
        with pytest.raises(PluginFailed, match="it needs c2l>=99"):
            opened.resolve("new:./x", "generator")


def test_strict(site: Path, tmp_path: Path) -> None:
    strict = {"C2L_PLUGINS_STRICT": "1"}
    assert list(registry(tmp_path, **strict).kinds()) == ["good"]
    install_package(site, "c2l-new", {"new": "requires_c2l = '>=99'"}, group=GROUP)
    opened = registry(tmp_path, **strict)
    for lookup in (opened.kinds, opened.recipes, opened.models, opened.refuse_broken):
        with pytest.raises(PluginFailed, match="C2L_PLUGINS_STRICT is set, and plugin 'new'"):
            lookup()
    assert [r.state for r in opened.describe()] == ["available", "incompatible"]
    assert list(registry(tmp_path, C2L_PLUGINS_STRICT="0").kinds()) == ["good"]
    left_out = registry(tmp_path, **strict, C2L_DISABLE_PLUGINS="new")
    assert list(left_out.kinds()) == ["good"]


@pytest.mark.parametrize(
    ("module", "state"),
    [
        ("class Gan: ...", "available"),
        ("Gan = type", "available"),
        ("if True:\n    from fractions import Fraction as Gan", "available"),
        ("from fractions import *", "available"),
        ("def __getattr__(name): ...", "available"),
        ("def (:", "available"),  # a fault of its own, once it is imported
        ("class Gam: ...\nraise SystemExit('not to be run')", "failed"),
    ],
)
def test_a_class_that_its_module_lacks(site: Path, tmp_path: Path, module: str, state: str) -> None:
    source = plugin_source("new").replace("fractions:Fraction", "their_gan:Gan")
    install_package(site, "c2l-new", {"new": source}, group=GROUP, files={"their_gan.py": module})
    found = row(tmp_path, "new")
    assert found.state == state
    if state == "failed":
        assert found.error == "the class of new is missing: their_gan has no 'Gan'"
        (site / "their_gan.py").write_text("class Gan: ...")
        assert row(tmp_path, "new").state == "available"


def test_what_is_traced(site: Path, tmp_path: Path) -> None:
    install_package(site, "c2l-bad", {"bad": "1 / 0"}, group=GROUP)
    first, second = (registry(tmp_path).descriptions() for _ in range(2))
    told = {d.record.name: (d.told, d.hooks, list(d.kinds)) for d in first}
    hooks = ["c2l_register_kinds"]
    assert told == {"bad": ("in a child", [], []), "good": ("in a child", hooks, ["good"])}
    assert {d.told for d in second} == {"remembered"}
    assert [d.seconds for d in first] == [d.seconds for d in second]
    assert all(d.seconds > 0 for d in first)
