"""``c2l check``: a report on stdout, talk on stderr, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from c2l.cli.app import main
from c2l.plugins import registry
from c2l.testing import install_package, on_path

BRIGHT = """
from c2l.testing import ToyGenerator


class Bright(ToyGenerator):
    def synthesize(self, latents, **options):
        print("drawing")
        return (super().synthesize(latents, **options) + 1) / 2


class Fair(ToyGenerator):
    pass
"""


def test_a_bundled_part_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ridge"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("ridge (prior): ") and "6 not applicable (not trained by gr" in line


def test_a_file_of_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my_gan.py"
    path.write_text(BRIGHT)
    assert main(["check", str(path)]) == 7
    printed = capsys.readouterr()
    first, failure, second = printed.out.splitlines()
    assert f"{path}:Bright (generator)" in first and "1 fail" in first
    assert failure.startswith("  fails pictures_are_around_zero: pixels run from ")
    assert "bring them to [-1, 1]" in failure
    assert f"{path}:Fair" in second and "fail" not in second
    assert "drawing" in printed.err


def test_json_holds_every_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my_gan.py"
    path.write_text(BRIGHT.replace("class Fair(ToyGenerator):\n    pass\n", ""))
    assert main(["check", str(path), "--json"]) == 7
    report = json.loads(capsys.readouterr().out)
    assert report["interface"] == "generator" and report["passed"] is False
    (failed,) = [f for f in report["findings"] if f["state"] == "fail"]
    assert failed["law"] == "pictures_are_around_zero"
    assert report["counts"]["fail"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "name one part, or check all. Give part, as in"),
        (["ridge", "--all"], 2, "name one part"),
        (["nonsense"], 2, "'nonsense' is neither kind:name nor a path"),
        (
            ["openclip"],
            2,
            "openclip is a kind, and has no name. Write openclip:NAME, or openclip:./",
        ),
        (["nonsense:x"], 4, "no plugin provides a kind 'nonsense'"),
        (["stylegan:fases"], 4, "there is no generator stylegan:fases"),
        (["./x.safetensors"], 4, "there is no file or folder x.safetensors"),
        (["./none.pt"], 4, "no plugin recognises ./none.pt. Name its kind, as in KIND:./none.pt"),
        (["stylegan:./x.safetensors"], 4, "x.safetensors"),
        (["nonsense:./x.py"], 4, "no plugin provides a kind 'nonsense'"),
        (["./x.py"], 4, "there is no file x.py. Check the path"),
    ],
)
def test_what_cannot_be_checked(
    arguments: list[str],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("none.pt").write_text("no weights")
    assert main(["check", *arguments]) == code
    printed = capsys.readouterr()
    assert not printed.out and says in printed.err
    assert len(printed.err.splitlines()) == 1


def test_files_without_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source, says in (
        ("import c2l", "defines no generator, embedder or prior"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "cannot be imported: SystemExit: 0"),
    ):
        path = tmp_path / f"a{abs(hash(source))}.py"
        path.write_text(source)
        assert main(["check", str(path)]) == 7
        assert says in capsys.readouterr().err


THEIRS = """
import c2l


@c2l.hookimpl
def c2l_register_kinds(register):
    factory = "c2l_priors.ridge:RidgePrior"
    register(c2l.KindSpec(kind="theirs", interface="prior", factory=factory, summary="Ridge"))
"""


def test_the_parts_of_a_plugin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install_package(tmp_path, "c2l-theirs", {"their": THEIRS, "broken": "import nowhere"})
    try:
        with on_path(tmp_path):
            registry.cache_clear()
            assert main(["plugins", "check", "their"]) == 0
            (line,) = capsys.readouterr().out.splitlines()
            assert line.startswith("theirs (prior): ") and " fail" not in line
            assert main(["plugins", "check", "broken"]) == 7
            assert "plugin broken: ModuleNotFoundError: " in capsys.readouterr().err
    finally:
        registry.cache_clear()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("exported", "nothing of plugin exported is on this machine to check"),
        ("nobody", "no plugin 'nobody' is installed"),
    ],
)
def test_a_plugin_without_parts(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "check", name]) == 2
    assert says in capsys.readouterr().err
