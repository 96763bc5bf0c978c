"""The engine of Ray Serve: what it makes of whatever becomes of a replica.

Ray itself starts in one test alone, which takes a minute and 2 GB: ``C2L_TEST_RAY=1`` runs it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from served import Served

from c2l.errors import BadInput, ExitCode, ProgramNotAccepted
from c2l.service import DrawRequest
from c2l.web.engine import Answer, Draining, Draw, Full, LocalEngine, Progress, TookTooLong
from c2l.web.engine.refusals import Lost, Refused
from c2l.web.offer import offer_of
from c2l.web.settings import Limits, Replicas, Settings
from c2l.web.typed import typed_settings

ABSENT = "ray is not installed"
WORK = Draw(DrawRequest(prompts=["a man"], seed=1), recipe="demo-faces")


class Coming:
    """What a handle of Ray Serve gives: what comes back of a call, until it is cancelled."""

    def __init__(self, sent: AsyncIterator[Any]) -> None:
        self._sent = sent
        self.cancelled = False

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._sent

    def cancel(self) -> None:
        self.cancelled = True


class Handle:
    """A handle of Ray Serve; its replicas do as ``act`` says, given the number of the call."""

    def __init__(self, act: Callable[[int], AsyncIterator[Any]]) -> None:
        self._act = act
        self.calls: list[Coming] = []
        self.do = self

    def options(self, *, stream: bool) -> Handle:
        assert stream
        return self

    def remote(self, *_: object) -> Coming:
        self.calls.append(Coming(self._act(len(self.calls))))
        return self.calls[-1]


async def _sending(*all_of_it: Any) -> AsyncIterator[Any]:
    for one in all_of_it:
        if isinstance(one, Exception) and not isinstance(one, (Refused, BadInput)):
            raise one
        yield one


def engine_with(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[int], AsyncIterator[Any]], **limits: Any
) -> tuple[Any, Handle]:
    """An engine whose replicas are not there."""
    pytest.importorskip("ray.serve", reason=ABSENT)
    from c2l.web.engine.ray_serve import engine as module

    monkeypatch.setattr(module, "_BETWEEN", 0.0)
    settings = Settings(replicas=Replicas(1, 2), limits=Limits(**limits))
    engine = module.RayEngine(offer_of(("demo-faces",)), settings)
    handle = Handle(act)
    engine._handle = handle
    return engine, handle


def do(engine: Any, **how: Any) -> Answer:
    return asyncio.run(engine.do(WORK, who="me", **how))


def test_a_work_goes_on_at_another_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    ActorDiedError = pytest.importorskip("ray.exceptions", reason=ABSENT).ActorDiedError
    answer = Answer(values={"here": True})
    seen: list[Progress] = []
    half = Progress(1, 2)
    engine, handle = engine_with(
        monkeypatch,
        lambda call: _sending(half, ActorDiedError()) if call == 0 else _sending(half, answer),
    )
    assert do(engine, on_progress=seen.append) == answer
    assert seen == [half, half] and len(handle.calls) == 2
    assert engine.status().counts["repeated"][1] == 1 and engine.status().running == 0
    assert all(call.cancelled for call in handle.calls)


def test_replicas_that_all_die_are_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    ActorDiedError = pytest.importorskip("ray.exceptions", reason=ABSENT).ActorDiedError
    from c2l.web.errors import as_api_error

    engine, handle = engine_with(monkeypatch, lambda call: _sending(ActorDiedError()))
    with pytest.raises(Lost) as caught:
        do(engine)
    assert len(handle.calls) == 3
    error = as_api_error(caught.value)
    assert error.status == 503 and error.headers["retry-after"] == "5"


def test_what_a_replica_says_is_wrong_is_raised_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error in (BadInput("odd", hint="Even", field="seed"), Full("full", retry_after=7)):
        engine, handle = engine_with(monkeypatch, lambda call, error=error: _sending(error))
        with pytest.raises(type(error)) as caught:
            do(engine)
        assert caught.value is error and len(handle.calls) == 1


def test_too_much_is_a_429_and_too_long_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    BackPressureError = pytest.importorskip("ray.serve.exceptions", reason=ABSENT).BackPressureError
    full = BackPressureError(num_queued_requests=9, max_queued_requests=9)
    engine, handle = engine_with(monkeypatch, lambda call: _sending(full))
    with pytest.raises(Full) as caught:
        do(engine)
    assert caught.value.retry_after == 1 and len(handle.calls) == 1

    async def never() -> AsyncIterator[Any]:
        await asyncio.sleep(60)
        yield None

    engine, handle = engine_with(monkeypatch, lambda call: never(), seconds=0.05)
    with pytest.raises(TookTooLong):
        do(engine)
    assert handle.calls[0].cancelled


def test_a_client_that_leaves_takes_its_work_along(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow() -> AsyncIterator[Any]:
        await asyncio.sleep(60)
        yield None

    engine, handle = engine_with(monkeypatch, lambda call: slow())

    async def leave() -> None:
        task = asyncio.ensure_future(engine.do(WORK, who="me"))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    assert handle.calls[0].cancelled and engine.status().running == 0


def test_a_server_that_stops_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = engine_with(monkeypatch, lambda call: _sending(Answer()))
    assert not engine.status().ready  # no replica was seen yet
    engine.begin_draining()
    with pytest.raises(Draining):
        do(engine)


def test_a_replica_draws_as_a_server_does(served: Served) -> None:
    from c2l.web.engine.ray_serve.replica import Replica

    replica = Replica.__new__(Replica)
    assert isinstance(served.engine, LocalEngine)
    replica._engine = served.engine
    replica.check_health()

    async def sent(work: Draw) -> list[Any]:
        return [one async for one in replica.do(work, "me", True)]

    two = Draw(DrawRequest(prompts=["a man"], seed=1, num_images=2), recipe="demo-faces")
    *progress, answer = asyncio.run(sent(two))
    assert isinstance(answer, Answer) and [p.seed for p in answer.pictures] == [1, 2]
    assert progress and all(isinstance(at, Progress) for at in progress)
    (error,) = asyncio.run(sent(Draw(two.asked, recipe="no-such-recipe")))
    assert "no-such-recipe" in str(error)


def test_errors_come_back_from_another_process() -> None:
    import pickle

    for error in (BadInput("odd", hint="Even", field="seed"), ProgramNotAccepted("a:b", "0" * 64),
                  Lost("gone", retry_after=5)):  # fmt: skip
        other = pickle.loads(pickle.dumps(error))
        assert type(other) is type(error) and vars(other) == vars(error)


@pytest.mark.parametrize(
    ("typed", "found"), [(None, Replicas(1, 1)), ("2", Replicas(2, 2)), ("1-4", Replicas(1, 4))]
)
def test_replicas_as_they_are_typed(typed: str | None, found: Replicas) -> None:
    assert typed_settings(engine="ray", replicas=typed).replicas == found
    assert typed_settings().replicas is None


@pytest.mark.parametrize("typed", ["", "0", "4-1", "1-", "-2", "two", "1.5", "1001", "1-2-3"])
def test_replicas_that_are_none(typed: str) -> None:
    with pytest.raises(BadInput) as caught:
        typed_settings(engine="ray", replicas=typed)
    assert caught.value.field == "replicas" and caught.value.exit_code == ExitCode.USAGE


def test_engines_that_are_none() -> None:
    with pytest.raises(BadInput, match="no engine 'slurm'"):
        typed_settings(engine="slurm")
    with pytest.raises(BadInput, match="need the engine ray"):
        typed_settings(replicas="2")


def test_without_ray_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from c2l.cli.app import main
    from c2l.web import starting

    monkeypatch.setattr(starting, "find_spec", lambda name: None if name == "ray" else name)
    assert main(["serve", "--engine", "ray"]) == ExitCode.MISSING_DEPENDENCY
    assert "--engine ray needs ray. Install it: pip install 'c2l[ray]'" in capsys.readouterr().err


@pytest.mark.skipif(os.environ.get("C2L_TEST_RAY") != "1", reason="takes a minute: C2L_TEST_RAY=1")
def test_one_of_two_replicas_is_killed_under_load() -> None:
    pytest.importorskip("ray.serve", reason=ABSENT)
    script = Path(__file__).parents[4] / "benchmarks" / "serve_ray.py"
    words = [sys.executable, str(script), "--clients", "4", "--seconds", "40"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=500)
    assert told.returncode == 0, told.stderr
    lines = dict(line.split(": ", 1) for line in told.stdout.splitlines() if ": " in line)
    assert lines["pictures that differ"] == "0"
    codes = {part.split(" x ")[1] for part in lines["answers"].split(", ")}
    assert codes <= {"200", "503"} and "200" in codes
    assert float(lines["two replicas again"].split()[1]) < 60
