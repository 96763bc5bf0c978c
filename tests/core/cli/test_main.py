"""What ``main`` makes of everything that a command can raise."""

from __future__ import annotations

import signal
import sys
import time
import weakref

import pytest
import torch
import typer

from c2l.cli import app as application
from c2l.errors import BadWeights, ExitCode, IncompatibleParts


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command that raises what it is given; returns exit code, stdout and stderr."""

    def run(error: BaseException, *options: str) -> tuple[int, str, str]:
        app = typer.Typer(cls=application.Root, rich_markup_mode=None)
        app.callback()(application.root)

        @app.command("fall")
        def fall() -> None:
            print("data")
            raise error

        monkeypatch.setattr(application, "app", app)
        code = application.main([*options, "fall"])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BadWeights("x is cut", hint="Fetch it"), ExitCode.BAD_FILE, "error: x is cut. Fetch it\n"),
        (IncompatibleParts("a\nb"), ExitCode.INCOMPATIBLE, "error: a b\n"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted\n"),
        (
            KeyboardInterrupt("kept 3"),
            ExitCode.INTERRUPTED,
            "interrupted: kept 3. The same command resumes\n",
        ),
        (typer.Abort(), ExitCode.INTERRUPTED, "interrupted\n"),
        (typer.Exit(5), 5, ""),
        (typer.BadParameter("too big"), ExitCode.USAGE, "error: Invalid value: too big. See: c2l"),
    ],
)
def test_one_line_and_an_exit_code(run, error: BaseException, code: int, line: str) -> None:
    got, out, err = run(error)
    assert (got, out) == (code, "data\n")
    assert err == line or (line.endswith("c2l") and err.startswith(line) and err.count("\n") == 1)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_is_no_mistake_of_ours(run, error: Exception) -> None:
    code, _, err = run(error)
    assert code == ExitCode.DEVICE
    assert err == "error: there is too little memory for this. Ask for less at once\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "happy", "man"], "in quotes. See: c2l sample --help"),
        (["a man", "--num", "many"], "error: --num takes a whole number. See: c2l sample --help"),
        (["a man", "--guidance", "x"], "error: --guidance takes a number. See: c2l sample --help"),
    ],
)
def test_wrong_words(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert application.main(["sample", *words]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_ctrl_c_in_a_callback_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer(cls=application.Root, rich_markup_mode=None)
    app.callback()(application.root)

    class Thing:
        pass

    @app.command("import")
    def imports() -> None:
        thing = Thing()
        kept = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
        del thing
        assert kept() is None
        for _ in range(2000):
            time.sleep(0.005)
        print("done")

    monkeypatch.setattr(application, "app", app)
    assert application.main(["import"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "interrupted\n")


def test_a_mistake_of_ours(run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run(ZeroDivisionError("division\nby zero"))
    assert code == ExitCode.INTERNAL
    assert err.startswith("error: internal: ZeroDivisionError: division by zero. Run it again")
    assert err.count("\n") == 1 and "--debug" in err
    monkeypatch.setenv("C2L_DEBUG", "1")
    code, _, err = run(ZeroDivisionError("division by zero"))
    assert code == ExitCode.INTERNAL
    assert err.startswith("Traceback") and err.splitlines()[-1].startswith("error: internal: ")


def test_debug_shows_the_traceback(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2L_DEBUG", "0")  # so that what --debug sets is taken back afterwards
    assert run(BadWeights("x"))[2] == "error: x\n"
    code, _, err = run(BadWeights("x"), "--debug")
    assert code == ExitCode.BAD_FILE
    assert "Traceback" in err and err.endswith("error: x\n")


def test_ctrl_c_while_it_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from c2l.__main__ import run

    class Interrupting:
        def find_spec(self, name: str, *rest: object) -> None:
            if name == "c2l.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "c2l.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert run() == 130
    assert capsys.readouterr().err == "interrupted\n"
