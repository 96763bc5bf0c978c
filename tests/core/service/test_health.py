"""``c2l doctor``: what is wrong is found, said first, and can be shown to anybody."""

from __future__ import annotations

import getpass
import importlib.metadata
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import ROOT

import c2l
from c2l.cli.app import main
from c2l.plugins import registry
from c2l.service import Health, check_health
from c2l.service.health import check, machine
from c2l.service.health.machine import VARIABLES
from c2l.service.health.packages import look_at_dependencies, look_at_python
from c2l.service.health.privacy import without_secrets
from c2l.testing import install_package, on_path


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the child that imports torch."""
    monkeypatch.setattr(check, "look_at_torch", lambda health: None)


def problems() -> str:
    registry.cache_clear()
    return "\n".join(f"{found.problem} -> {found.hint}" for found in check_health().problems)


def test_nothing_is_wrong_and_torch_is_asked_in_a_child(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ROOM", 0)  # whatever this machine's disk has
    assert main(["doctor", "--json"]) == 0
    health = json.loads(capsys.readouterr().out)
    assert health["problems"] == []
    facts = health["facts"]
    assert c2l.__version__ in facts["c2l"]
    version = importlib.metadata.version("torch")
    assert facts["torch"].startswith(version) and "computes in float32" in facts["torch"]
    assert any(line.startswith("torch ") and ">=" in line for line in facts["dependencies"])
    assert "stylegan (c2l" in " ".join(facts["plugins"])
    assert set(facts) == {"c2l", "python", "platform", "dependencies", "extras", "torch", "plugins",
                          "weights", "network", "variables", "terminal"}  # fmt: skip


def test_a_torch_that_ends_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for source, says in (
        ("import os; os.abort()", "exit code"),
        ("raise OSError('libcudart.so: cannot open')", "OSError: libcudart.so: cannot open"),
    ):
        (tmp_path / "torch.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        health = Health()
        machine.look_at_torch(health)
        (found,) = health.problems
        assert says in found.problem and "pytorch.org" in found.hint


def test_plugins_and_variables(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with on_path(tmp_path / "site") as site:
        install_package(site, "c2l-bad", {"bad": "import os\nos._exit(1)"})
        install_package(site, "c2l-new", {"new": ""}, requires=["c2l>=99"])
        monkeypatch.setenv("C2L_OFLINE", "1")
        registry.cache_clear()
        assert main(["doctor"]) == 1
        said = capsys.readouterr()
        lines = said.out.splitlines()
        assert lines[0] == "3 problems"
        text = " ".join(said.out.split())
        for problem in (
            "plugin 'bad' (c2l-bad 1.0) did not load: it ends the process",
            "plugin 'new' (c2l-new 1.0) did not load: it needs c2l>=99",
            "c2l knows no variable C2L_OFLINE -> Did you mean C2L_OFFLINE",
        ):
            assert problem in text.replace(" -> ", " -> ")
        assert text.index("3.") < text.index("dependencies")
        assert said.err == ""


def test_versions_below_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.metadata,
        "requires",
        lambda name: ["pillow>=999", "no-such-package>=1", "numpy", "gone; extra == 'eval'"],
    )
    health = Health()
    look_at_dependencies(health)
    assert [found.problem for found in health.problems] == [
        f"pillow {importlib.metadata.version('pillow')} is installed, but c2l needs pillow>=999",
        "no-such-package is not installed",
    ]
    assert health.problems[0].hint == 'Install another version: pip install "pillow>=999"'
    assert "eval: without gone" in health.facts["extras"]


def test_another_version_than_the_installed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2l.service.health.packages.__version__", "99.0")
    health = Health()
    look_at_python(health)
    assert "c2l 99.0 runs" in health.problems[0].problem


def test_the_folder_for_weights(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("C2L_HOME", str(tmp_path / "file" / "home"))
    assert "cannot be written" in problems()
    monkeypatch.setenv("C2L_HOME", "\0" if sys.platform == "win32" else "~nobody-at-all/x")
    assert "C2L_HOME: " in problems()
    monkeypatch.setenv("C2L_HOME", str(tmp_path))
    usage = shutil._ntuple_diskusage(10, 9, 300_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "300 MB are free for weights" in problems()


def test_what_cannot_be_looked_at_hides_nothing_else(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(health: Health) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(check, "look_at_terminal", fail)
    health = check_health()
    assert "cannot look at the terminal: RuntimeError: no luck" in health.problems[0].problem
    assert "plugins" in health.facts


def test_lost_plugins_and_damaged_choices(quick: None, own_world: Path) -> None:
    own_world.mkdir(exist_ok=True)
    choices = {"disabled": [], "installed": {sys.prefix: {"c2l-gone": "c2l-gone==1.0"}}}
    (own_world / "plugins.json").write_text(json.dumps(choices))
    assert "are gone: c2l-gone -> Install them again: c2l plugins restore" in problems()
    (own_world / "plugins.json").write_text("{")
    assert "plugins.json, which lists disabled plugins" in problems()


def test_an_encoding_without_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow:
        encoding = "ascii"

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdout", Narrow())
    health = Health()
    machine.look_at_terminal(health)
    assert "PYTHONUTF8" in health.problems[0].hint


# -- nothing private


def test_nothing_private(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "people" / "alice.w"
    (home / "weights").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr(getpass, "getuser", lambda: "alice.w")
    monkeypatch.setenv("C2L_HOME", str(home / "weights"))
    monkeypatch.setenv("HF_HOME", "/scratch/alice.w/hf")
    monkeypatch.setenv("HTTPS_PROXY", "http://alice.w:hunter2@proxy:80")
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnop")
    monkeypatch.setenv("C2L_SECRET_KEY", "swordfish")
    with on_path(home / "site") as site:
        install_package(site, "c2l-bad", {"bad": "raise OSError('hf_abcdefghijklmnop', __file__)"})
        for form in ([], ["--json"]):
            registry.cache_clear()
            assert main(["doctor", *form]) == 1
            said = "".join(capsys.readouterr())
            for private in ("alice", "hunter2", "swordfish", "abcdefghijk", str(home)):
                assert private not in said, private
            assert "~/weights" in said and "/scratch/USER/hf" in said and "~/site" in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/bob/x", "~/x"),
        ("/home/bobby/x", "/home/bobby/x"),
        ("/home/bob", "~"),
        ("cannot read /home/bob: no", "cannot read ~: no"),
        ("/data/bob-c2l", "/data/USER-c2l"),
        ("git+https://bob:pw@e.org/x", "git+https://e.org/x"),
        ("hf_0123456789abc", "hf_…"),
    ],
)
def test_one_text(text: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/bob")
    monkeypatch.setenv("USERPROFILE", "/home/bob")
    monkeypatch.setattr(getpass, "getuser", lambda: "bob")
    assert without_secrets({"a": [text]}) == {"a": [told]}


def test_a_home_that_is_the_root_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    assert without_secrets("/srv/x") == "/srv/x"


def test_the_variables_are_those_of_the_docs() -> None:
    import re

    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert sorted(VARIABLES) == sorted(re.findall(r"^\| `(C2L_[A-Z_]+)`", text, re.M))
