"""The list and show commands: what they print, return and import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import c2l
from c2l.cli.app import main
from c2l.plugins import registry
from c2l.testing import install_package, on_path, plugin_source


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]
CARDS = """
[[model]]
reference = "toygan:faces"
summary = "Faces of a test"
licence = "MIT"
urls = ["https://example.org/faces.bin"]
size = 7

[[recipe]]
name = "toy-faces"
summary = "A recipe of a test"
generator = "toygan:faces"
embedder = "openclip:demo"
prior = "flow:toy"
prompts = ["a face"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of packages; a good one is in it."""
    folder = tmp_path / "site"
    install_package(
        folder,
        "c2l-toy",
        {"toy": plugin_source("toygan", cards="toy.toml")},
        files={"toy.toml": CARDS},
    )
    with on_path(folder):
        yield folder


@pytest.fixture
def run(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a command in this process, with a registry of its own."""

    def run(*arguments: str, **env: str) -> Result:
        registry.cache_clear()
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            return Result(main(arguments), *capsys.readouterr())

    yield run
    registry.cache_clear()


def spawn(site: Path, *arguments: str, python: tuple[str, ...] = (), **env: str) -> Result:
    """Run a command in a process of its own."""
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, *python, "-m", "c2l", *arguments],
        env={**os.environ, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_plugins_list(run: Run) -> None:
    result = run("plugins", "list", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["toy"] == {
        "name": "toy",
        "dist": "c2l-toy",
        "version": "1.0",
        "state": "available",
        "summary": "The package c2l-toy",
        "error": "",
        "note": "",
        "kinds": ["toygan"],
    }
    assert {"demo", "openclip", "priors", "stylegan"} <= set(rows)
    assert {rows[name]["state"] for name in rows} == {"available"}
    table = run("plugins", "list").stdout
    assert "\x1b" not in table
    assert any(line.split()[:4] == ["toy", "c2l-toy", "1.0", "available"]
               for line in table.splitlines())  # fmt: skip


def test_plugins_show(run: Run, site: Path) -> None:
    install_package(site, "c2l-bad", {"bad": "import no_such_module_at_all"})
    shown = json.loads(run("plugins", "show", "toy", "--json").stdout)
    assert shown["models"] == ["toygan:faces"]
    assert shown["kinds"] == ["toygan"]
    assert shown["module"] == "c2l_toy_toy"
    assert "no_such_module_at_all" in run("plugins", "show", "bad").stdout
    missing = run("plugins", "show", "toi")
    assert missing.returncode == 2
    assert missing.stderr.splitlines()[-1] == (
        "error: no plugin 'toi' is installed. Did you mean toy? "
        "See what is installed: c2l plugins list"
    )


def test_models(run: Run) -> None:
    result = run("models", "list", "--json", "--kind", "generator")
    assert (result.returncode, result.stderr) == (0, "")
    rows = {row["reference"]: row for row in json.loads(result.stdout)}
    assert {row["interface"] for row in rows.values()} == {"generator"}
    assert rows["toygan"]["state"] == "built in"
    assert rows["toygan:faces"] == {
        "reference": "toygan:faces",
        "interface": "generator",
        "kind": "toygan",
        "state": "to be fetched",
        "summary": "Faces of a test",
        "licence": "MIT",
        "plugin": "toy",
        "resolution": None,
        "size": 7,
        "family": "toygan",
        "domain": "",
        "detail": "Faces of a test",
    }
    every = run("models", "list", "--search", "i").stdout
    for reference in ("toygan:faces", "openclip:ViT-B-32/openai", "flow", "neighbours"):
        assert f"\n{reference} " in every
    assert "\x1b" not in every
    shown = json.loads(run("models", "show", "toygan:faces", "--json").stdout)
    assert shown["urls"] == ["https://example.org/faces.bin"]
    assert shown["path"].endswith("faces.bin")
    assert "https://example.org/faces.bin" in run("models", "show", "toygan:faces").stdout


def test_families_of_models(run: Run) -> None:
    """A row for each family, instead of one for each of some hundred models."""
    result = run("models", "list")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert len(rows) < 60
    assert any(row[:2] == ["toygan", "1"] for row in rows)
    (sg3,) = [row for row in rows if row[:1] == ["StyleGAN3-T"]]
    assert int(sg3[1]) >= 7
    (sg2,) = [row for row in rows if row[:1] == ["StyleGAN2"]]
    assert int(sg2[1]) >= 31 and sg2[2] == "2" and sg2[3].startswith("faces")
    assert not any("config" in row for row in rows)
    assert result.stderr == (
        "\nmore: c2l models list --kind generator, --family stylegan3, --search faces, --here\n"
    )


def references(result: Result) -> list[str]:
    assert (result.returncode, result.stderr) == (0, "")
    return [row["reference"] for row in json.loads(result.stdout)]


def test_models_that_are_looked_for(run: Run) -> None:
    found = references(run("models", "list", "--search", "FACES ada", "--json"))
    assert "stylegan:ffhq-1024-ada" in found and "stylegan:ffhq-1024" not in found
    thirds = references(run("models", "list", "--family", "stylegan3", "--json"))
    assert {name.rpartition("-")[2] for name in thirds} == {"sg3t", "sg3r"}
    here = references(run("models", "list", "--here", "--json"))
    assert "stylegan:demo-faces" in here and "toygan:faces" not in here
    both = references(run("models", "list", "--here", "--kind", "prior", "--json"))
    assert both == ["flow:demo-faces", "flow:demo-landscapes"]
    table = run("models", "list", "--family", "stylegan3-t").stdout
    assert table.startswith("generators: StyleGAN3-T ")
    assert "512 px: faces of animals" in table and "StyleGAN3-T, 512" not in table


def test_models_that_there_are_not(run: Run) -> None:
    nothing = run("models", "list", "--search", "zebra crossing")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert nothing.stderr == "nothing matches; see c2l models list\n"
    unknown = run("models", "list", "--family", "stylegan4")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("error: no model is of a family 'stylegan4'. Did you mean")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("arguments", [(), ("--kind", "generator"), ("--family", "siglip")])
def test_models_in_80_columns(site: Path, arguments: tuple[str, ...]) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {n: v for n, v in os.environ.items() if n not in ("COLUMNS", "LINES")}
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    process = subprocess.Popen(
        [sys.executable, "-m", "c2l", "models", "list", *arguments],
        env={**env, "PYTHONPATH": path, "NO_COLOR": "1", "TERM": "xterm"},
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    told = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a pseudo-terminal ends
            break
        if not piece:
            break
        told += piece
    os.close(ours)
    assert process.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told.decode())
    widths = [len(line.rstrip("\r")) for line in plain.split("\n")]
    assert max(widths) == 80


def test_recipes(run: Run) -> None:
    result = run("recipes", "list", "--json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["toy-faces"]["prompts"] == ["a face"]
    assert {"demo-faces", "demo-landscapes"} <= set(rows)
    assert json.loads(run("recipes", "show", "toy-faces", "--json").stdout) == rows["toy-faces"]
    assert "a face" in run("recipes", "show", "toy-faces").stdout
    assert run("recipes", "show", "toy-face").returncode == 4
    assert "c2l recipes pull toy-faces" in run("models", "pull", "toy-faces").stderr


def test_broken_plugins_are_one_line_each_and_break_nothing(run: Run, site: Path) -> None:
    install_package(site, "c2l-bad", {"bad": "import no_such_module_at_all"})
    install_package(site, "c2l-exits", {"exits": "raise SystemExit(1)"})
    install_package(site, "c2l-one", {"twin": plugin_source("one")})
    install_package(site, "c2l-two", {"twin": plugin_source("two")})
    install_package(site, "c2l-thief", {"thief": plugin_source("toygan")})
    install_package(
        site,
        "c2l-smudge",
        {"smudge": plugin_source("smudge", cards="smudge.toml")},
        files={"smudge.toml": "[[model]]\nreference = 3"},
    )
    listed = run("plugins", "list", "--json")
    assert listed.returncode == 0
    states = {row["dist"]: row["state"] for row in json.loads(listed.stdout)}
    assert states["c2l-bad"] == states["c2l-exits"] == "failed"
    assert states["c2l-one"] == states["c2l-two"] == "collision"
    assert states["c2l-thief"] == states["c2l"] == "available"
    lines = listed.stderr.splitlines()
    assert len(lines) == 5 and all(line.startswith("warning: ") for line in lines)

    models = run("models", "list", "--json")
    assert models.returncode == 0
    references = [row["reference"] for row in json.loads(models.stdout)]
    assert "stylegan" in references and "smudge" in references
    assert "toygan" not in references and "one" not in references
    assert len(models.stderr.splitlines()) == 5
    assert "smudge.toml: [[model]]" in models.stderr


def test_disabled_plugins(run: Run) -> None:
    listed = run("plugins", "list", "--json", C2L_DISABLE_PLUGINS="toy")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert {row["name"]: row["state"] for row in json.loads(listed.stdout)}["toy"] == "disabled"
    models = run("models", "list", "--json", C2L_DISABLE_PLUGINS="toy")
    assert "toygan" not in models.stdout


def test_an_unknown_disabled_name(run: Run) -> None:
    listed = run("plugins", "list", "--json", C2L_DISABLE_PLUGINS="tyo")
    assert listed.returncode == 0 and json.loads(listed.stdout)
    assert listed.stderr == (
        "warning: C2L_DISABLE_PLUGINS names 'tyo', but no such plugin is installed. "
        "Did you mean toy?\n"
    )
    models = run("models", "list", C2L_DISABLE_PLUGINS="tyo")
    assert (models.returncode, models.stdout) == (2, "")
    assert models.stderr == listed.stderr.replace("warning", "error")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["models", "show", "nosuch:x"], 4, "error: no plugin provides a kind 'nosuch'. List the"),
        (["models", "list", "--kind", "gan"], 2, "error: Invalid value for '--kind': 'gan' is not"),
        (["models", "list", "--jsn"], 2, "error: No such option: --jsn"),
        (["models", "show", "./a.pkl"], 2, "error: ./a.pkl is a path, not a name in the catalogue"),
        (["models", "pull", "toy-faces"], 2, "error: 'toy-faces' is neither kind:name nor a path"),
        (["models", "inspect", "no.pkl"], 4, "error: there is no file no.pkl. Check the path"),
        (["models", "lst"], 2, "error: No such command 'lst'. Did you mean 'list'? See: c2l"),
        (["modells"], 2, "error: No such command 'modells'"),
        (["plugins", "show"], 2, "error: Missing argument 'NAME'"),
    ],
)
def test_mistakes_are_one_line(run: Run, arguments: list[str], code: int, line: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_help_and_version(run: Run) -> None:
    assert run("--version").stdout == f"c2l {c2l.__version__}\n"
    for arguments in (
        [],
        ["--help"],
        ["plugins"],
        ["models", "--help"],
        ["plugins", "list", "--help"],
    ):
        result = run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: c2l")
        assert not [line for line in result.stdout.splitlines()[1:] if line.endswith("...")]


def test_processes_return_what_main_returns(site: Path) -> None:
    install_package(site, "c2l-bad", {"bad": "raise SystemExit(0)"})
    listed = spawn(site, "plugins", "list", "--json")
    assert listed.returncode == 0
    assert {row["name"]: row["state"] for row in json.loads(listed.stdout)}["bad"] == "failed"
    assert listed.stderr.startswith("warning: plugin 'bad' (c2l-bad 1.0) did not load: SystemExit")
    missing = spawn(site, "models", "show", "toygan:face", C2L_DISABLE_PLUGINS="bad")
    assert missing == (
        4,
        "",
        "error: there is no generator toygan:face. Did you mean toygan:faces? "
        "List the names: c2l models list --kind generator\n",
    )


def test_a_reader_that_leaves_is_no_error(site: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "c2l", "models", "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(timeout=300)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("where", "code", "line"),
    [
        (">/dev/full", 1, "error: cannot write the output: No space left on device. Make room"),
        (">&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
    ],
)
@pytest.mark.parametrize("arguments", ["plugins list", "models list --json"])
def test_a_stdout_that_takes_nothing(
    site: Path, arguments: str, where: str, code: int, line: str
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m c2l {arguments} {where}'],
        env={**os.environ, "PYTHONPATH": str(site)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == code
    assert done.stderr.startswith(line) and done.stderr.count("\n") == bool(line)


def test_ctrl_c_is_one_line(site: Path) -> None:
    """Sent in the middle of the import of a plugin, which a child process does."""
    source = "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)"
    install_package(site, "c2l-slow", {"slow": source})
    assert spawn(site, "plugins", "list") == (130, "", "interrupted\n")


HEAVY = {"torch", "numpy", "open_clip", "transformers", "PIL", "safetensors", "huggingface_hub"}


@pytest.mark.parametrize(
    ("arguments", "too_heavy"),
    [
        (["--help"], {"pydantic", "rich", "importlib.metadata"}),
        (["plugins", "list"], {"pydantic"}),
        (["models", "list"], set()),
        (["recipes", "list"], set()),
    ],
)
def test_what_is_imported(site: Path, arguments: list[str], too_heavy: set[str]) -> None:
    result = spawn(site, *arguments, python=("-X", "importtime"))
    assert result.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "c2l.cli.app" in imported
    assert imported & (HEAVY | too_heavy) == set()
