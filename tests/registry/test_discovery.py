"""What goes wrong in one plugin is a row and a line, and touches nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import KindSpec, PluginRecord, Registry
from c2l_registry.errors import PluginFailed, UnknownPlugin, UnknownReference

GROUP = "c2l.plugins_of_a_test"  # so that the real ones, with the same code, stay out


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "site") as folder:
        yield folder


def add(site: Path, dist: str, **plugins: str) -> None:
    install_package(site, dist, plugins, group=GROUP)


def registry(disabled: str = "") -> Registry:
    return Registry(hookspecs, group=GROUP, environ={"C2L_DISABLE_PLUGINS": disabled})


def by_name(records: list[PluginRecord]) -> dict[str, PluginRecord]:
    return {record.name: record for record in records}


def test_metadata_alone_imports_nothing(site: Path) -> None:
    add(site, "c2l-good", good=plugin_source("good"))
    (record,) = registry().plugins()
    assert (record.name, record.dist, record.version) == ("good", "c2l-good", "1.0")
    assert record.summary == "The package c2l-good"
    assert "c2l_good_good" not in sys.modules


def test_a_good_plugin(site: Path) -> None:
    add(
        site,
        "c2l-good",
        good='"""Good ``pictures``.\n\nMore."""\n' + plugin_source("good", "better"),
    )
    opened = registry()
    (record,) = opened.describe()
    assert (record.state, record.error) == ("available", "")
    assert record.kinds == ("good", "better")
    assert record.summary == "Good pictures."
    assert opened.problems() == []
    assert list(opened.kinds()) == ["better", "good"]
    assert opened.package("good") == "c2l-good"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError"),
        (plugin_source("half", "BAD KIND"), "ValueError: the kind 'BAD KIND'"),
        (plugin_source("half", "half"), "ValueError: the kind 'half' is registered twice"),
        (plugin_source("half", cards="absent.toml"), "FileNotFoundError"),
        (plugin_source("half").replace("_kinds", "_kindz"), "PluginValidationError"),
        (plugin_source("half").replace("(register)", "(registrar)"), "PluginValidationError"),
        (
            plugin_source("half").replace("c2l.KindSpec", "dict"),
            "TypeError: c2l_register_kinds takes a",
        ),
    ],
)
def test_failures_are_rows_and_leave_nothing_behind(site: Path, source: str, reason: str) -> None:
    add(site, "c2l-bad", bad=source)
    add(site, "c2l-good", good=plugin_source("good"))
    opened = registry()
    records = by_name(opened.describe())
    assert records["bad"].state == "failed"
    assert records["bad"].error.startswith(reason)
    assert "Traceback" in records["bad"].traceback
    assert records["good"].state == "available"
    assert list(opened.kinds()) == ["good"]
    (problem,) = map(str, opened.problems())
    assert problem.startswith("plugin 'bad' (c2l-bad 1.0) did not load: ")
    assert "\n" not in problem


def test_what_a_plugin_prints_at_import_is_kept_with_it(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(site, "c2l-chatty", chatty="print('hello')\n" + plugin_source("chatty"))
    assert registry().describe()[0].state == "available"
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert registry().plugin("chatty").output == "hello"


def test_two_packages_with_one_plugin_name(site: Path) -> None:
    add(site, "c2l-one", twin=plugin_source("one"))
    add(site, "c2l-two", twin=plugin_source("two"))
    add(site, "c2l-good", good=plugin_source("good"))
    opened = registry()
    assert [r.state for r in opened.plugins()] == ["available", "collision", "collision"]
    assert list(opened.kinds()) == ["good"]
    assert not {"c2l_one_twin", "c2l_two_twin"} & set(sys.modules)
    (problem,) = map(str, opened.problems())
    assert "c2l-one" in problem and "c2l-two" in problem


def test_two_plugins_with_one_kind(site: Path) -> None:
    add(site, "c2l-one", one=plugin_source("shared", "first"))
    add(site, "c2l-two", two=plugin_source("shared", "second"))
    opened = registry()
    assert list(opened.kinds()) == ["first", "second"]
    with pytest.raises(PluginFailed, match=r"(?=.*c2l-one 1.0)(?=.*c2l-two 1.0)"):
        opened.resolve("shared:./x", "generator")
    (problem,) = map(str, opened.problems())
    assert "c2l-one" in problem and "c2l-two" in problem
    alone = registry(disabled="two")
    assert alone.package("shared") == "c2l-one"


def test_disabled_plugins_are_not_imported(site: Path) -> None:
    add(site, "c2l-bad", bad="raise RuntimeError")
    add(site, "c2l-good", good=plugin_source("good"))
    opened = registry(disabled="bad, ")
    assert by_name(opened.describe())["bad"].state == "disabled"
    assert opened.problems() == []
    assert list(opened.kinds()) == ["good"]
    with pytest.raises(PluginFailed, match="C2L_DISABLE_PLUGINS"):
        opened.resolve("bad:x", "generator")


def test_an_unknown_disabled_name(site: Path) -> None:
    add(site, "c2l-good", good=plugin_source("good"))
    opened = registry(disabled="goood")
    assert opened.describe()[0].state == "available"
    (error,) = opened.unknown_disabled()
    assert error.hint == "Did you mean good?"
    for lookup in (opened.kinds, opened.models, opened.recipes):
        with pytest.raises(UnknownPlugin, match="goood"):
            lookup()
    with pytest.raises(UnknownPlugin, match="goood"):
        opened.resolve("good:./x", "generator")


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("c2l>=0.1", "available"),
        ("c2l>=99", "incompatible"),
        ('c2l>=99; extra == "dev"', "available"),
        ("c2l-other>=99", "available"),
        ("c2l", "available"),
    ],
)
def test_a_plugin_for_another_version(site: Path, requirement: str, state: str) -> None:
    install_package(
        site, "c2l-new", {"new": plugin_source("new")}, group=GROUP, requires=[requirement]
    )
    opened = registry()
    (record,) = opened.describe()
    assert record.state == state
    if state == "incompatible":
        assert record.error.startswith("it needs c2l>=99, but this is c2l ")
        assert "c2l_new_new" not in sys.modules
        assert opened.kinds() == {}


def test_missing_kinds_are_explained(site: Path) -> None:
    add(site, "c2l-early", gone="import no_such_module_at_all")
    add(site, "c2l-half", half=plugin_source("staged", "BAD KIND"))
    add(site, "c2l-good", good=plugin_source("stylegan"))
    opened = registry()
    for reference in ("gone:x", "early:x", "staged:x"):
        with pytest.raises(PluginFailed, match="did not load"):
            opened.resolve(reference, "generator")
    with pytest.raises(
        UnknownReference, match=r"may provide it: 'gone' \(c2l-early 1.0\) is failed"
    ):
        opened.resolve("anything:x", "generator")
    with pytest.raises(UnknownReference, match="Did you mean stylegan"):
        opened.resolve("stylgan:x", "generator")


def test_the_class_of_a_kind(site: Path) -> None:
    from fractions import Fraction

    add(site, "c2l-good", good=plugin_source("good"))
    add(site, "c2l-lazy", lazy=plugin_source("lazy", arguments="requires=('lazy-lib>=2',)").replace(
        "fractions:Fraction", "no_such_module_at_all:Thing"))  # fmt: skip
    add(
        site, "c2l-odd", odd=plugin_source("odd").replace("fractions:Fraction", "fractions:Nothing")
    )
    opened = registry()
    assert opened.factory(opened.kinds()["good"]) is Fraction
    with pytest.raises(PluginFailed, match=r'pip install "lazy-lib>=2"'):
        opened.factory(opened.kinds()["lazy"])
    with pytest.raises(PluginFailed, match="c2l-odd"):
        opened.factory(opened.kinds()["odd"])


def test_a_class_that_fails_for_reasons_of_its_own_is_not_a_missing_package(site: Path) -> None:
    source = plugin_source("torn").replace("fractions:Fraction", "c2l_torn_torn.inner:Thing")
    add(site, "c2l-torn", torn=source)
    opened = registry()
    with pytest.raises(PluginFailed, match="Report it to the authors of c2l-torn"):
        opened.factory(opened.kinds()["torn"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "x"},
        {"kind": "Gan"},
        {"kind": "a:b"},
        {"interface": "sampler"},
        {"factory": "no_colon"},
        {"factory": "a b:C"},
    ],
)
def test_a_spec_says_what_is_wrong_with_it(wrong: dict[str, str]) -> None:
    right = {"kind": "gan", "interface": "generator", "factory": "a.b:C", "summary": "A GAN"}
    assert KindSpec(**right).open_names is False  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=next(iter(wrong))):
        KindSpec(**{**right, **wrong})  # type: ignore[arg-type]
