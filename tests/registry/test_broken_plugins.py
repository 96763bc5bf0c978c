"""Plugins that break while they are described, as packages: each is its own row, and no more.

A child process describes them, so that even those that end the process are survived; what it said
is remembered, so that slow ones cost once. The last test prints the table of what is said.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l.cli.app import main
from c2l.plugins import registry
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import PluginRecord, Registry
from c2l_registry.errors import PluginFailed

GROUP = "c2l.plugins_of_a_test"
HOOK = "import c2l\n@c2l.hookimpl\ndef c2l_register_kinds(register):\n"


def spec(kind: str, interface: str = "generator", factory: str = "fractions:Fraction") -> str:
    """The source of a plugin with one kind."""
    return (
        f"{HOOK}    register(c2l.KindSpec(kind={kind!r}, interface={interface!r}, "
        f"factory={factory!r}, summary='s'))\n"
    )


CARDS = "import c2l, pathlib\n@c2l.hookimpl\ndef c2l_register_cards(register): register({})\n"
HERE = "pathlib.Path(__file__).with_name('c2l_bx_cards.toml')"

# By name: the source, the state of its row, and what the row says.
BROKEN: dict[str, tuple[str, str, str]] = {
    "badattr": (
        spec("badattr", factory="c2l_bx_badattr:Nope"),
        "failed",
        "the class of badattr is missing: c2l_bx_badattr has no 'Nope'",
    ),
    "badcards": (
        CARDS.format("pathlib.Path('/nonexistent')"),
        "failed",
        "FileNotFoundError: the card file /nonexistent does not exist",
    ),
    "badcards2": (CARDS.format(HERE), "failed", "the model stylegan:demo-faces is on two cards"),
    "badfactory": (
        spec("badfactory", factory="nomodule.generator:X"),
        "failed",
        "the class of badfactory is missing: no module 'nomodule.generator'",
    ),
    "badkind": (spec("Bad Kind!"), "failed", "ValueError: the kind 'Bad Kind!' must be a letter"),
    "baseexception": (
        "class Stop(BaseException): pass\nraise Stop('now')",
        "failed",
        "Stop: now",
    ),
    "ctrlc": ("raise KeyboardInterrupt", "failed", "KeyboardInterrupt"),
    "dies": (
        "import os; os._exit(0)",
        "failed",
        "it ends the process while it is imported, with exit code 0",
    ),
    "exits": ("import sys; sys.exit(3)", "failed", "SystemExit: 3"),
    "hooktwo": (spec("okfirst") + "    raise ValueError('after one')", "failed", "after one"),
    "importerror": (
        "import nonexistent_package_xyz",
        "failed",
        "ModuleNotFoundError: No module named 'nonexistent_package_xyz'",
    ),
    "killed": (
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "failed",
        "it ends the process while it is imported, with exit code -9",
    ),
    "nohook": ("import c2l", "failed", "TypeError: c2l_bx_nohook implements no hook"),
    "notspec": (HOOK + "    register({'kind': 'x'})", "failed", "takes a KindSpec, not dict"),
    "numbers": (
        HOOK + "    register(c2l.KindSpec('nums', 'generator', 'a:B', summary=3))",
        "failed",
        "ValueError: the summary 3 is not a text",
    ),
    "prints": (
        "import os, sys\nprint('HELLO')\nos.system('echo AGAIN')\n"
        "print('stderr hello', file=sys.stderr)\n" + spec("prints"),
        "available",
        "",
    ),
    "raises": ("raise RuntimeError('boom at import')", "failed", "RuntimeError: boom at import"),
    "raiseslong": ("raise RuntimeError('boom\\n' * 200)", "failed", "RuntimeError: boom boom"),
    "seeds": (
        "import os, random\nrandom.seed(0)\nos.environ['OMP_NUM_THREADS'] = '1'\n" + spec("seeds"),
        "available",
        "",
    ),
    "sleeps": (
        "import time; time.sleep(0.6)\n" + spec("sleeps"),
        "available",
        "to be described; once, then it is remembered",
    ),
    "steals": (
        spec("stylegan"),
        "collision",
        "the kind 'stylegan' is one of c2l itself, whose own is used",
    ),
    "stylegan": (
        spec("mygan"),
        "collision",
        "c2l-bx gives it the name of a plugin of c2l itself, which is used",
    ),
    "syntax": ("def (:", "failed", "SyntaxError: invalid syntax"),
    "threads": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(300,)).start()\n" + spec("threads"),
        "available",
        "",
    ),
    "torchy": (
        "import torch\n" + spec("torchy"),
        "available",
        "imports torch",
    ),
    "twice": (
        spec("twice") + "    register(c2l.KindSpec('twice', 'generator', 'a:B', 's'))",
        "failed",
        "ValueError: the kind 'twice' is registered twice",
    ),
    "typo": (
        "import c2l\n@c2l.hookimpl\ndef c2l_register_kind(register): pass",
        "failed",
        "unknown hook 'c2l_register_kind'",
    ),
    "warns": (
        "import logging, warnings\nwarnings.warn('deprecated thing')\n"
        "logging.getLogger().warning('log warning')\n" + spec("warns"),
        "available",
        "",
    ),
    "wrongargs": (
        "import c2l\n@c2l.hookimpl\ndef c2l_register_kinds(reg): pass",
        "failed",
        "Argument(s) {'reg'} are declared in the hookimpl",
    ),
    "wrongiface": (spec("wrongk", "painter"), "failed", "the interface 'painter' is not one of"),
}

# Kinds whose description is fine, and whose class is not: what loading one says.
CLASSES: dict[str, tuple[str, str]] = {
    "notg": (
        spec("notg", factory="c2l_bx_notg:N") + "class N:\n    def __init__(self): pass\n",
        "the class of its kind notg, c2l_bx_notg:N, is not a generator",
    ),
    "wic": (
        spec("wic", "generator", "c2l_openclip.embedder:OpenCLIP"),
        "c2l_openclip.embedder:OpenCLIP, is not a generator",
    ),
    "exitsk": (
        spec("exitsk", factory="their_exits:X"),
        "cannot be imported: SystemExit: 4",
    ),
    "abstractk": (
        spec("abstractk", factory="their_abstract:G"),
        "G.load fails: TypeError: Can't instantiate abstract class",
    ),
    "recog": (spec("recog", factory="their_recog:G"), "G.recognises fails: RuntimeError: no idea"),
}
FILES = {
    "c2l_bx_cards.toml": """
        [[model]]
        reference = "stylegan:demo-faces"
        summary = "f"
        licence = "x"
    """,
    "their_exits.py": "raise SystemExit(4)",
    "their_abstract.py": """
        import c2l
        class G(c2l.Generator):
            @classmethod
            def load(cls, source):
                return cls()
    """,
    "their_recog.py": """
        import c2l
        from c2l.testing import ToyGenerator
        class G(ToyGenerator):
            @classmethod
            def recognises(cls, path):
                raise RuntimeError("no idea\\nsecond line")
    """,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All of them at once, beside the bundled plugins; described once for this file."""
    with on_path(tmp_path_factory.mktemp("site")) as folder, pytest.MonkeyPatch.context() as patch:
        sources = {name: source for name, (source, _, _) in BROKEN.items()}
        sources |= {name: source for name, (source, _) in CLASSES.items()}
        install_package(folder, "c2l-bx", sources, files=FILES)
        patch.setenv("C2L_HOME", str(folder.parent / "home"))
        registry.cache_clear()
        registry().describe()
        yield folder
    registry.cache_clear()


def run(*arguments: str) -> tuple[int, str, str]:
    """A command in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return int(code), out.getvalue(), err.getvalue()


def rows() -> dict[str, PluginRecord]:
    return {r.name: r for r in registry().describe() if not r.bundled}


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_of_its_own(site: Path, name: str) -> None:
    _, state, says = BROKEN[name]
    row = rows()[name]
    assert row.state == state, row
    assert says in f"{row.error} ({row.note})", row
    assert "\n" not in row.error and len(row.error) < 400
    warned = [str(p) for p in registry().problems() if f"plugin {name!r}" in str(p)]
    assert bool(warned) == (state != "available")


def test_the_bundled_plugins_work_as_if_alone(site: Path, tmp_path: Path) -> None:
    bundled = [r for r in registry().describe() if r.bundled]
    assert {r.state for r in bundled} == {"available"}
    assert registry().package("stylegan") == "c2l"
    entry = registry().entry("stylegan:demo-faces")
    assert (entry.plugin, entry.state) == ("demo", "embedded")
    code, out, err = run("sample", "a man", "--num", "1", "--out", str(tmp_path), "--device", "cpu")
    assert code == 0 and len(list(tmp_path.glob("*.png"))) == 1, err
    assert out.endswith(".png\n")


def test_no_third_party_plugin_is_imported_in_this_process(site: Path) -> None:
    assert not [name for name in sys.modules if name.startswith("c2l_bx_")]
    assert "their_exits" not in sys.modules


def test_what_is_printed_is_kept_with_the_row(site: Path) -> None:
    assert {"HELLO", "AGAIN", "stderr hello"} <= set(rows()["prints"].output.splitlines())
    assert "deprecated thing" in rows()["warns"].output
    assert "HELLO" in run("plugins", "show", "prints")[1]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_that_does_not_fit(site: Path, name: str, tmp_path: Path) -> None:
    says = CLASSES[name][1]
    file = tmp_path / "some.bin"
    file.write_bytes(b"0123")
    reference = str(file) if name == "recog" else f"{name}:{file}"
    code, _, err = run("pairs", "-g", reference, "-e", "openclip:demo", "--out", str(tmp_path))
    error = next(line for line in err.splitlines() if line.startswith("error: "))
    assert says in error and f"plugin {name!r} (c2l-bx 1.0)" in error
    assert code == (4 if name == "recog" else 7)  # the file itself is what nobody knows


def test_the_table(site: Path, tmp_path: Path) -> None:
    """What is said of each, in the list and to who asks for its kind. ``pytest -s`` shows it."""
    file = tmp_path / "some.bin"
    file.write_bytes(b"0123")
    table = []
    for name in [*BROKEN, *CLASSES]:
        row = rows()[name]
        path = str(file) if name == "recog" else f"{name}:{file}"  # asked about bare paths alone
        out = str(tmp_path / "pairs")
        code, _, err = run("pairs", "-g", path, "-e", "openclip:demo", "--out", out)
        error = next(line for line in err.splitlines() if line.startswith("error: "))
        assert "internal" not in error
        # A kind of this name is that of c2l itself; or the plugin has another one.
        other = {"stylegan": 9, "badcards2": 4, "steals": 4, "recog": 4}
        assert code == other.get(name, 7), error
        assert f"plugin {name!r} (c2l-bx 1.0)" in error or name in other
        table += [f"{name:14} {row.state:10} {row.error or row.note or 'works'}"[:160]]
        table += [f"{'':14} exit {code}     {error}"[:160]]
    print("\n" + "\n".join(table))


def test_the_hint_proposes_only_what_the_plugin_asks_for(site: Path) -> None:
    opened = registry()
    for name in ("badfactory", "badattr"):
        with pytest.raises(PluginFailed) as caught:
            opened.factory(opened.kinds()[name])
        assert "pip install" not in str(caught.value)
    assert "pip install" not in rows()["importerror"].error


# -- what is remembered


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "shelf") as folder:
        yield folder


def opened(tmp_path: Path, disabled: str = "") -> Registry:
    environ = {"C2L_HOME": str(tmp_path / "home"), "C2L_DISABLE_PLUGINS": disabled}
    return Registry(hookspecs, group=GROUP, environ=environ)


COUNTS = """
import pathlib
count = pathlib.Path(__file__).with_name("count")
count.write_text(count.read_text() + "x" if count.exists() else "x")
"""


def test_a_plugin_is_asked_once(shelf: Path, tmp_path: Path) -> None:
    install_package(shelf, "c2l-one", {"one": COUNTS + plugin_source("one")}, group=GROUP)
    assert [list(opened(tmp_path).kinds()) for _ in range(3)] == [["one"]] * 3
    assert (shelf / "count").read_text() == "x"


def test_it_is_asked_again_once_it_changes(shelf: Path, tmp_path: Path) -> None:
    def install(version: str, source: str) -> None:
        for old in shelf.glob("*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        install_package(shelf, "c2l-one", {"one": source}, group=GROUP, version=version)

    install("1.0", plugin_source("one"))
    assert list(opened(tmp_path).kinds()) == ["one"]
    install("1.0", plugin_source("one", "two"))  # an editable install
    assert list(opened(tmp_path).kinds()) == ["one", "two"]
    install("1.1", plugin_source("one", "two"))
    (record,) = opened(tmp_path).describe()
    assert record.version == "1.1"
    install("1.1", "raise RuntimeError")
    assert opened(tmp_path).describe()[0].state == "failed"
    install("1.1", plugin_source("mended"))
    assert list(opened(tmp_path).kinds()) == ["mended"]


def test_it_is_asked_again_once_what_it_missed_is_there(shelf: Path, tmp_path: Path) -> None:
    source = "import late_library\n" + plugin_source("one")
    install_package(shelf, "c2l-one", {"one": source}, group=GROUP)
    assert opened(tmp_path).describe()[0].state == "failed"
    (shelf / "late_library.py").write_text("")
    assert list(opened(tmp_path).kinds()) == ["one"]


def test_new_cards_are_seen(shelf: Path, tmp_path: Path) -> None:
    files = {"cards.toml": '[[model]]\nreference = "one:a"\nsummary = "A"\nlicence = "MIT"\n'}
    plugins = {"one": plugin_source("one", cards="cards.toml")}
    install_package(shelf, "c2l-one", plugins, group=GROUP, files=files)
    assert opened(tmp_path).describe()[0].state == "available"
    (shelf / "cards.toml").write_text("[[model]]\nreference = 3\n")
    (record,) = opened(tmp_path).describe()
    assert record.state == "failed" and "cards.toml" in record.error


@pytest.mark.parametrize("damage", ["not JSON", "[]", '{"a": 1}'])
def test_a_memory_that_is_damaged_is_no_memory(shelf: Path, tmp_path: Path, damage: str) -> None:
    install_package(shelf, "c2l-one", {"one": plugin_source("one")}, group=GROUP)
    assert list(opened(tmp_path).kinds()) == ["one"]
    file = tmp_path / "home" / "plugins" / "described.json"
    file.write_text(damage)
    assert list(opened(tmp_path).kinds()) == ["one"]


def test_a_home_that_takes_nothing(shelf: Path, tmp_path: Path) -> None:
    install_package(shelf, "c2l-one", {"one": plugin_source("one")}, group=GROUP)
    (tmp_path / "home").write_text("a file")
    assert list(opened(tmp_path).kinds()) == ["one"]


def test_one_of_two_that_share_a_name_can_be_left_out(shelf: Path, tmp_path: Path) -> None:
    install_package(shelf, "c2l-one", {"twin": plugin_source("one")}, group=GROUP)
    install_package(shelf, "c2l-two", {"twin": plugin_source("two")}, group=GROUP)
    both = opened(tmp_path)
    assert {r.state for r in both.describe()} == {"collision"}
    (problem,) = map(str, both.problems())
    assert "C2L_DISABLE_PLUGINS=c2l-two" in problem
    one = opened(tmp_path, disabled="c2l-two")
    assert {r.dist: r.state for r in one.describe()} == {
        "c2l-one": "available",
        "c2l-two": "disabled",
    }
    assert list(one.kinds()) == ["one"] and one.unknown_disabled() == []
    assert opened(tmp_path, disabled="twin").kinds() == {}


def test_half_a_package_is_a_row(shelf: Path, tmp_path: Path) -> None:
    install_package(shelf, "c2l-one", {"one": plugin_source("one")}, group=GROUP)
    (shelf / "c2l_one-1.0.dist-info" / "METADATA").unlink()
    assert [r.name for r in opened(tmp_path).describe()] == ["one"]


def test_a_plugin_that_looks_around_while_it_is_described(shelf: Path, tmp_path: Path) -> None:
    """It would start children that start children."""
    source = "from c2l.plugins import registry\nregistry().kinds()\n" + plugin_source("one")
    install_package(shelf, "c2l-one", {"one": source})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C2L_HOME", str(tmp_path / "home"))
        found = {r.name: r.state for r in Registry(hookspecs).describe()}
    assert found["one"] == "available"


def test_fifty_plugins_are_described_once(tmp_path: Path) -> None:
    """Slow and broken ones among them: the second time, none is imported."""
    site, log = tmp_path / "site", tmp_path / "log"
    broken = [
        "1 / 0",
        "import os; os._exit(9)",
        "raise KeyboardInterrupt",
        "exit()",
        "import nope_",
    ]
    for number in range(50):
        source = plugin_source(f"kind{number}")
        if number < 5:
            source = "import time; time.sleep(1)\n" + source
        elif number < 10:
            source = broken[number - 5]
        noted = f"with open({str(log)!r}, 'a') as file:\n    file.write('x{number}\\n')\n"
        install_package(site, f"c2l-x{number}", {f"x{number}": noted + source})

    def listed() -> list[dict[str, str]]:
        path = os.pathsep.join([*filter(None, sys.path), str(site)])
        environ = {**os.environ, "PYTHONPATH": path, "C2L_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "c2l", "plugins", "list", "--json"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        return [row for row in found if row["name"].startswith("x")]

    first = listed()
    states = [row["state"] for row in first]
    assert (states.count("available"), states.count("failed")) == (45, 5)
    slow = {row["name"] for row in first if "takes 1." in row["note"]}
    assert slow >= {"x0", "x1", "x2", "x3", "x4"}
    described = log.read_text()
    assert {f"x{number}" for number in range(50)} == set(described.split())
    assert listed() == first
    assert log.read_text() == described
