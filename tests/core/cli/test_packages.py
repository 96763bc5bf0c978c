"""``c2l plugins install|remove|freeze|restore``, with the real pip in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from c2l.cli.app import main
from c2l.plugins import registry
from c2l.testing import install_package, on_path, plugin_source

BOMB = "import os\nos._exit(3)\n"


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def write_wheel(folder: Path, dist: str, source: str, *, version: str = "1.0") -> Path:
    """A wheel of one module; with a plugin, if there is a source."""
    module = dist.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{module}.py", source)
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}"
        )
        file.writestr(f"{info}/WHEEL", wheel)
        if source:
            file.writestr(f"{info}/entry_points.txt", f"[c2l.plugins]\n{module[4:]} = {module}\n")
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with a pip of its own, which sees what this one has installed."""
    folder = tmp_path_factory.mktemp("env") / "env"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    # addsitedir, unlike a plain path, also follows the .pth files of editable installs there.
    beside = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(done.stdout.strip()) / "beside.pth").write_text(beside)
    return python


def test_installed_lost_and_restored(python: Path, tmp_path: Path) -> None:
    env = {**os.environ, "C2L_HOME": str(tmp_path / "home")}

    def c2l(*arguments: str) -> Result:
        words = [str(python), "-m", "c2l", "plugins", *arguments]
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300)
        return Result(done.returncode, done.stdout, done.stderr)

    def names(result: Result) -> set[str]:
        return {row["name"] for row in json.loads(result.stdout) if row["dist"] != "c2l"}

    good = write_wheel(tmp_path, "c2l-good", plugin_source("good"))
    bomb = write_wheel(tmp_path, "c2l-bomb", BOMB)
    done = c2l("install", str(good), str(bomb), "--json")
    assert done.returncode == 0, done.stderr
    assert names(done) == {"good", "bomb"}
    shown = f"$ {python} -P -m pip install {good} {bomb}"
    assert done.stderr.startswith(shown), "the command comes before its output"

    frozen = c2l("freeze")
    lines = frozen.stdout.splitlines()
    assert [line.partition("#")[0] for line in lines] == [
        f"c2l-bomb @ {bomb.as_uri()}", f"c2l-good @ {good.as_uri()}"
    ]  # fmt: skip
    file = tmp_path / "plugins.txt"
    file.write_text("# of a test\n\n" + frozen.stdout)
    assert "everything is installed already" in c2l("restore", str(file)).stderr

    # The plugin that ends every process that imports it is removed like any other.
    assert names(c2l("remove", "bomb", "--json")) == {"good"}
    assert "bomb" not in json.loads((tmp_path / "home" / "plugins.json").read_text())
    again = c2l("restore", str(file), "--json")
    assert names(again) == {"good", "bomb"}
    assert "c2l-bomb" in again.stderr.splitlines()[0] and "good" not in again.stderr.splitlines()[0]

    # An upgrade takes both away; c2l knows what was there.
    words = [str(python), "-m", "pip", "uninstall", "--yes", "c2l-good", "c2l-bomb"]
    subprocess.run(words, check=True, capture_output=True, timeout=300)
    assert "not here any more: c2l-bomb, c2l-good" in c2l("list").stderr
    assert c2l("remove", "c2l-bomb").returncode == 0  # nothing to run: it is only forgotten
    assert names(c2l("restore", "--json")) == {"good"}
    assert "not here any more" not in c2l("list").stderr

    plain = write_wheel(tmp_path, "c2l-plain", "")
    done = c2l("install", f"c2l-plain @ {plain.as_uri()}")
    assert done.returncode == 0
    assert "warning: c2l-plain brings no plugin" in done.stderr

    # pip fails: its own words, and then one line.
    broken = tmp_path / "c2l_broken-1.0-py3-none-any.whl"
    broken.write_text("not a wheel")
    done = c2l("install", str(broken))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: pip ended with exit code 1. Its own messages are above"
    )
    assert len(done.stderr.splitlines()) > 2


# -- without a run of pip


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Result]]:
    def refuse(*arguments: object, **keywords: object) -> None:
        pytest.fail(f"this runs {arguments}")

    def run(*arguments: str) -> Result:
        registry.cache_clear()
        return Result(main(["plugins", *arguments]), *capsys.readouterr())

    with on_path(tmp_path / "site") as folder:
        install_package(folder, "c2l-toy", {"toy": BOMB})
        monkeypatch.setattr(subprocess, "run", refuse)
        yield run
    registry.cache_clear()


def test_nothing_is_run_but_what_is_asked_for(run: Callable[..., Result], tmp_path: Path) -> None:
    dry = run("install", "c2l-x", "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout.endswith(" -m pip install c2l-x\n")
    assert run("remove", "toy", "--dry-run").stdout.endswith("pip uninstall --yes c2l-toy\n")
    for name in ("demo", "stylegan"):
        refused = run("remove", name)
        assert refused.returncode == 2 and f"c2l plugins disable {name}" in refused.stderr
    assert run("remove", "c2l").returncode == 2
    assert run("remove", "tey").stderr.startswith("error: no plugin 'tey' is installed. Did you me")
    for arguments in (["install"], ["install", ""], ["install", "--", "--pre"], ["remove"]):
        assert run(*arguments).returncode == 2


@pytest.mark.parametrize("line", ["--index-url https://evil", "-e .", "-r x", "c2l-x --pre"])
def test_options_cannot_be_smuggled_in(
    run: Callable[..., Result], tmp_path: Path, line: str
) -> None:
    file = tmp_path / "plugins.txt"
    file.write_text(f"c2l-good==1.0\n{line}\n")
    refused = run("restore", str(file))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {file}, line 2: ")
    assert refused.stderr.count("\n") == 1


def test_files_that_cannot_be_restored(run: Callable[..., Result], tmp_path: Path) -> None:
    assert run("restore").returncode == 2
    assert run("restore", str(tmp_path / "absent.txt")).returncode == 4
    file = tmp_path / "plugins.txt"
    file.write_bytes(b"\xff\xfe\x00")
    assert run("restore", str(file)).returncode == 2
    file.write_text("c2l-toy==1.0\n")
    done = run("restore", str(file))
    assert done.returncode == 0 and done.stderr == "everything is installed already\n"


def test_a_tool_of_uv(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv-receipt.toml").write_text('[tool]\nrequirements = [{ name = "c2l" }]')
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    refused = run("install", "c2l-x")
    assert refused == (
        1,
        "",
        "error: this c2l is a tool of uv, which forgets what others install beside it. "
        "Run: uv tool install c2l --with c2l-x\n",
    )


def test_freeze(run: Callable[..., Result]) -> None:
    assert run("freeze") == (0, "c2l-toy==1.0\n", "")
    assert json.loads(run("freeze", "--json").stdout) == {"c2l-toy": "c2l-toy==1.0"}
