"""Files that are programs: loaded after a yes alone, which is kept for their very bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import c2l
import c2l.errors
import c2l.service
from c2l.errors import ProgramNotAccepted
from c2l.plugins import registry
from c2l.service import (
    PairsRequest,
    ProgramQuestion,
    Session,
    load_with_consent,
    make_pairs,
    refusal,
)
from c2l.testing import install_package, on_path
from c2l_registry.consent import is_program_accepted, program_file

PLUGIN = """
import c2l

@c2l.hookimpl
def c2l_register_kinds(register):
    register(c2l.KindSpec("running", "generator", "their_running:Running", "Toys", programs=True))
"""

CLASS = """
from c2l.testing import ToyGenerator

class Running(ToyGenerator):
    @classmethod
    def load(cls, source):
        ran = source.path.with_name("ran")
        ran.write_text(source.path.read_text())
        return cls().eval()
"""


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("site")
    install_package(folder, "their", {"plugin": PLUGIN}, files={"their_running.py": CLASS})
    registry.cache_clear()
    with on_path(folder):
        yield
    registry.cache_clear()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "g.run"
    path.write_text("one", encoding="utf-8")
    return path


def answering(answer: bool, asked: list[object]) -> Callable[[object], bool]:
    return lambda question: asked.append(question) is None and answer


def test_nothing_runs_without_a_yes(program: Path) -> None:
    with pytest.raises(ProgramNotAccepted, match=r"is a program.*accept_programs=True") as error:
        c2l.load_generator(f"running:{program}")
    assert (error.value.exit_code, error.value.field) == (10, "accept_programs")
    assert error.value.sha256 == hashlib.sha256(b"one").hexdigest()
    assert not program.with_name("ran").exists()


def test_a_yes_is_kept_for_these_bytes(program: Path, tmp_path: Path) -> None:
    c2l.load_generator(f"running:{program}", accept_programs=True)
    c2l.load_generator(f"running:{program}")
    moved = program.rename(tmp_path / "moved.run")
    c2l.load_generator(f"running:{moved}")
    moved.write_text("two", encoding="utf-8")
    with pytest.raises(ProgramNotAccepted):
        c2l.load_generator(f"running:{moved}")


def test_what_is_kept(program: Path) -> None:
    sha256, environ = hashlib.sha256(b"one").hexdigest(), registry().environ
    assert not is_program_accepted(sha256, environ)
    c2l.load_generator(f"running:{program}", accept_programs=True)
    file = program_file(sha256, environ)
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["reference"] == f"running:{program}"
    assert kept["accepted"].startswith("20")
    for damaged in ("", "[]", "{}", '{"sha256": 1}'):
        file.write_text(damaged, encoding="utf-8")
        assert not is_program_accepted(sha256, environ)


def test_a_pipeline_takes_the_yes_as_well(program: Path) -> None:
    with pytest.raises(ProgramNotAccepted):
        c2l.load_pipeline(generator=f"running:{program}")
    with pytest.raises(c2l.errors.IncompatibleParts):  # loaded, and another than the prior's
        c2l.load_pipeline(generator=f"running:{program}", accept_programs=True)


def test_the_service_asks_once(program: Path) -> None:
    asked: list[object] = []
    reference = f"running:{program}"
    for _ in range(2):
        load_with_consent(lambda: c2l.load_generator(reference), answering(True, asked))
    assert asked == [ProgramQuestion(reference, hashlib.sha256(b"one").hexdigest())]


@pytest.mark.parametrize("answer", [False, None])
def test_a_no_runs_nothing(program: Path, tmp_path: Path, answer: bool | None) -> None:
    ask = None if answer is None else answering(False, [])
    with pytest.raises(ProgramNotAccepted):
        wanted = PairsRequest(tmp_path / "pairs", f"running:{program}", "openclip:demo", num=2)
        make_pairs(wanted, ask=ask)
    with pytest.raises(ProgramNotAccepted):
        session = Session(ask=ask)
        next(session.draw(c2l.service.Request(prompt="a man", generator=f"running:{program}")))
    assert not program.with_name("ran").exists()


def test_who_cannot_ask_raises_what_it_is(program: Path) -> None:
    error = refusal(ProgramQuestion("running:./g.run", "ab" * 32))
    assert isinstance(error, ProgramNotAccepted)
    assert error.message.startswith("running:./g.run is a program")
