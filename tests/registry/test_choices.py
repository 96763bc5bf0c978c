"""What a user decided about plugins: kept in one file, and followed unless a variable is set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import Registry
from c2l_registry.choices import Choices, change_choices, choices_file, read_choices
from c2l_registry.errors import NotReadable, NotWritable, UnknownPlugin
from c2l_registry.plugins import plugins_called

GROUP = "c2l.plugins_of_a_test"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "site") as folder:
        for dist in ("c2l-one", "c2l-two"):
            plugins = {"twin": plugin_source(dist[4:]), dist[4:] + "s": plugin_source(dist[4:] * 2)}
            install_package(folder, dist, plugins, group=GROUP)
        yield folder


def opened(home: Path, **environ: str) -> Registry:
    return Registry(hookspecs, group=GROUP, environ={"C2L_HOME": str(home), **environ})


def choose(home: Path, *disabled: str) -> None:
    environ = {"C2L_HOME": str(home)}
    change_choices(environ, lambda _: Choices(disabled))
    assert read_choices(environ).disabled == disabled


def states(registry: Registry) -> dict[tuple[str, str], str]:
    return {(record.name, record.dist): record.state for record in registry.plugins()}


def test_a_package_decides_between_two_of_one_name(site: Path, tmp_path: Path) -> None:
    assert states(opened(tmp_path))["twin", "c2l-one"] == "collision"
    choose(tmp_path, "c2l-two")
    registry = opened(tmp_path)
    assert states(registry) == {
        ("ones", "c2l-one"): "available",
        ("twin", "c2l-one"): "available",
        ("twin", "c2l-two"): "disabled",
        ("twos", "c2l-two"): "disabled",
    }
    assert list(registry.kinds()) == ["one", "oneone"]
    assert not [name for name in sys.modules if name.startswith("c2l_two")]


@pytest.mark.parametrize("value", ["", "twos"])
def test_the_variable_wins_even_if_it_is_empty(site: Path, tmp_path: Path, value: str) -> None:
    choose(tmp_path, "ones")
    found = states(opened(tmp_path, C2L_DISABLE_PLUGINS=value))
    assert found["ones", "c2l-one"] == "available"
    assert found["twos", "c2l-two"] == ("disabled" if value else "available")


def test_a_choice_about_what_is_not_installed_any_more_stops_nothing(
    site: Path, tmp_path: Path
) -> None:
    choose(tmp_path, "gone")
    assert opened(tmp_path).kinds() and opened(tmp_path).unknown_disabled() == []


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "3", '{"disabled": "ones"}', '{"disabled": [3]}', '{"more": 1}',
               '{"installed": {"/": []}}', '{"installed": []}']
)  # fmt: skip
def test_a_damaged_file_is_a_warning_and_is_not_written_over(
    site: Path, tmp_path: Path, damage: str
) -> None:
    choices_file({"C2L_HOME": str(tmp_path)}).write_text(damage)
    registry = opened(tmp_path)
    assert registry.kinds()
    assert sum("plugins.json" in str(problem) for problem in registry.problems()) == 1
    with pytest.raises(NotReadable, match="Correct it, or remove it"):
        change_choices({"C2L_HOME": str(tmp_path)}, lambda choices: choices)
    assert choices_file({"C2L_HOME": str(tmp_path)}).read_text() == damage


def test_a_folder_that_takes_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritable):
        change_choices({"C2L_HOME": str(tmp_path / "file" / "home")}, lambda _: Choices(("a",)))


ADDS_TEN = """
import sys
from c2l_registry.choices import Choices, change_choices

home, first = sys.argv[1], int(sys.argv[2])
for name in (f"p{first + number}" for number in range(10)):
    change_choices({"C2L_HOME": home}, lambda c: Choices((*c.disabled, name), c.installed))
"""


def test_processes_that_change_it_at_once_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ADDS_TEN, str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen([*command, first], env=environ) for first in ("0", "10")]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    kept = json.loads(choices_file({"C2L_HOME": str(tmp_path)}).read_text())["disabled"]
    assert sorted(kept) == sorted(f"p{number}" for number in range(20))


def test_what_a_name_means(site: Path, tmp_path: Path) -> None:
    records = opened(tmp_path).plugins()
    assert [r.name for r in plugins_called("ones", records)] == ["ones"]
    assert [r.name for r in plugins_called("C2L_One", records)] == ["ones", "twin"]
    with pytest.raises(UnknownPlugin, match=r"in c2l-one and in c2l-two.*package: c2l-one or"):
        plugins_called("twin", records)
    with pytest.raises(UnknownPlugin, match="Did you mean c2l-one"):
        plugins_called("c2l-onne", records)
