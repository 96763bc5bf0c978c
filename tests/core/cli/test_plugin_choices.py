"""``c2l plugins enable|disable|trace`` and C2L_PLUGINS_STRICT, as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from c2l.cli.app import main
from c2l.plugins import registry
from c2l.testing import install_package, on_path, plugin_source


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "site") as folder:
        install_package(folder, "c2l-toy", {"toy": plugin_source("toy")})
        yield folder


@pytest.fixture
def run(site: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command in this process, with a registry of its own."""

    def run(*arguments: str) -> Result:
        registry.cache_clear()
        return Result(main(arguments), *capsys.readouterr())

    yield run
    registry.cache_clear()


def state(run: Run, name: str) -> str:
    rows = json.loads(run("plugins", "list", "--json").stdout)
    return next(row["state"] for row in rows if row["name"] == name)


def test_out_and_in_again(run: Run, own_world: Path) -> None:
    assert run("plugins", "disable", "toy") == (0, "", "disabled: toy (c2l-toy 1.0)\n")
    assert run("plugins", "disable", "toy").returncode == 0
    assert json.loads((own_world / "plugins.json").read_text())["disabled"] == ["toy"]
    assert state(run, "toy") == "disabled"
    refused = run("pairs", "-g", "toy:x", "-e", "openclip:demo", "--out", "x")
    assert refused.returncode == 7
    assert "left out by 'c2l plugins disable'" in refused.stderr
    assert "c2l plugins enable toy" in refused.stderr
    enabled = run("plugins", "enable", "toy", "--json")
    assert json.loads(enabled.stdout)[0]["name"] == "toy"
    assert state(run, "toy") == "available"
    assert run("plugins", "enable", "toy").returncode == 0


def test_a_plugin_that_ends_the_process_is_left_out_unasked(run: Run, site: Path) -> None:
    source = (
        "import pathlib\npathlib.Path(__file__).with_name('run').touch()\nimport os\nos._exit(1)"
    )
    install_package(site, "c2l-dies", {"dies": source})
    assert run("plugins", "disable", "dies").returncode == 0
    assert state(run, "dies") == "disabled"
    assert not (site / "run").exists()


def test_two_of_one_name_are_told_apart_by_package(run: Run, site: Path) -> None:
    install_package(site, "c2l-one", {"twin": plugin_source("one"), "more": plugin_source("more")})
    install_package(site, "c2l-two", {"twin": plugin_source("two")})
    refused = run("plugins", "disable", "twin")
    assert refused == (
        2,
        "",
        "error: the plugin 'twin' is in c2l-one and in c2l-two. "
        "Name the package: c2l-one or c2l-two\n",
    )
    assert run("plugins", "disable", "c2l_one").returncode == 0
    rows = json.loads(run("plugins", "list", "--json").stdout)
    states = {(row["name"], row["dist"]): row["state"] for row in rows}
    assert states["twin", "c2l-two"] == "available"
    assert states["twin", "c2l-one"] == states["more", "c2l-one"] == "disabled"
    # One of a package comes back; the others stay out.
    assert run("plugins", "enable", "more").returncode == 0
    rows = json.loads(run("plugins", "list", "--json").stdout)
    assert {row["state"] for row in rows if row["name"] == "more"} == {"available"}


def test_a_bundled_plugin_can_be_left_out(run: Run) -> None:
    assert run("plugins", "disable", "stylegan").returncode == 0
    assert state(run, "stylegan") == "disabled"
    assert "stylegan" not in [
        row["reference"] for row in json.loads(run("models", "list", "--json").stdout)
    ]


def test_the_name_of_c2l_and_unknown_ones(run: Run) -> None:
    for verb in ("disable", "enable"):
        assert run("plugins", verb, "c2l").returncode == 2
        assert run("plugins", verb, "c2l-toi") == (
            2,
            "",
            "error: no plugin 'c2l-toi' is installed. Did you mean c2l-toy? "
            "See what is installed: c2l plugins list\n",
        )


def test_the_variable_wins_and_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2L_DISABLE_PLUGINS", "")
    done = run("plugins", "disable", "toy")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: C2L_DISABLE_PLUGINS is set, and wins over this")
    assert state(run, "toy") == "available"


def test_trace(run: Run, site: Path) -> None:
    install_package(site, "c2l-bad", {"bad": "import no_such_module_at_all"})
    rows = {row["name"]: row for row in json.loads(run("plugins", "trace", "--json").stdout)}
    assert rows["stylegan"]["told"] == "here" and rows["stylegan"]["cards"]
    assert rows["toy"]["told"] == "in a child"
    assert rows["toy"]["hooks"] == ["c2l_register_kinds"]
    assert rows["toy"]["kinds"] == ["toy"]
    table = run("plugins", "trace").stdout
    assert "remembered" in table and "no_such_module_at_all" in table


BROKEN = {
    "failed": {"bad": "1 / 0"},
    "incompatible": {"bad": "requires_c2l = '>=99'"},
    "collision": {"bad": plugin_source("stylegan")},
    "class": {"bad": plugin_source("bad").replace("fractions:Fraction", "no_such_one:Gan")},
}
STRICT_LINE = "error: C2L_PLUGINS_STRICT is set, and plugin 'bad' (c2l-bad 1.0)"


@pytest.mark.parametrize("how", BROKEN)
def test_strict(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("C2L_PLUGINS_STRICT", "1")
    assert run("models", "list").returncode == 0
    install_package(site, "c2l-bad", BROKEN[how])
    commands = (["models", "list"], ["recipes", "list"], ["info", "no.png"],
                ["sample", "a man", "--out", "x"], ["models", "inspect", "no.pkl"])  # fmt: skip
    for command in commands:
        result = run(*command)
        assert (result.returncode, result.stdout) == (7, ""), command
        assert result.stderr.startswith(STRICT_LINE)
        assert result.stderr.count("\n") == 1
    # Lists of plugins show what is wrong, and fail after that; help and the way out work.
    for command in (["plugins", "list"], ["plugins", "show", "bad"], ["plugins", "trace"]):
        result = run(*command)
        assert result.returncode == 7 and "bad" in result.stdout
        assert result.stderr.splitlines()[-1].startswith(STRICT_LINE)
    assert run("sample", "--help").returncode == 0
    assert run("plugins", "disable", "bad").returncode == 0
    assert run("models", "list").returncode == 0
