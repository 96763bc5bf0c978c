"""The engine when things go wrong: clients that leave, works that raise, too much, the end."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from faked_engine import Chore, engine_with

from c2l.errors import BadInput, UnknownReference
from c2l.web.engine import Answer, Draining, Full, LocalEngine, TookTooLong
from c2l.web.engine.refusals import Busy
from c2l.web.engine.settled import settle

Scene = Callable[[LocalEngine], Coroutine[Any, Any, None]]


def play(engine: LocalEngine, scene: Scene) -> None:
    """A scene with an engine, from its start to its end."""

    async def all_of_it() -> None:
        await engine.start()
        try:
            await scene(engine)
        finally:
            await engine.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 60))


async def running(work: Chore) -> None:
    """Wait until a chore is carried out."""
    assert await asyncio.to_thread(work.running.wait, 30)


async def begun(engine: LocalEngine, work: Chore, who: str = "me") -> asyncio.Task[Answer]:
    """Ask for a chore; go on once the engine knows of it."""
    task = asyncio.ensure_future(engine.do(work, who=who))
    await asyncio.sleep(0.02)
    return task


def test_works_that_wait_are_carried_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        gate, seen = threading.Event(), []
        first = Chore("first", gate=gate, seen=seen)
        tasks = [await begun(engine, first)]
        await running(first)
        for number in range(5):
            tasks.append(await begun(engine, Chore(f"{number}", "x", seen=seen), who=f"{number}"))
        assert engine.status().waiting == 5 and engine.status().running == 1
        gate.set()
        answers = await asyncio.gather(*tasks)
        assert [a.values["name"] for a in answers] == ["first", *"01234"]
        assert seen == [("first",), ("0", "1", "2", "3"), ("4",)]

    play(engine_with(monkeypatch, batch=4), scene)


def test_who_leaves_while_waiting_is_never_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        gate, seen = threading.Event(), []
        first = Chore("first", gate=gate)
        task = await begun(engine, first)
        await running(first)
        leaves = await begun(engine, Chore("leaves", seen=seen))
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        assert engine.status().waiting == 0
        gate.set()
        await task
        await engine.do(Chore("last"), who="me")
        assert seen == []

    play(engine_with(monkeypatch), scene)


def test_who_leaves_while_it_runs_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        endless = Chore("endless", gate=threading.Event())
        task = await begun(engine, endless)
        await running(endless)
        task.cancel()
        answer = await engine.do(Chore("next"), who="me")
        assert answer.values["name"] == "next"
        assert engine.status().counts["dropped"][1] == 1

    play(engine_with(monkeypatch), scene)


def test_one_that_raises_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        gate = threading.Event()
        first = Chore("first", gate=gate)
        tasks = [await begun(engine, first)]
        await running(first)
        for name, error in (("a", None), ("bad", BadInput("no")), ("c", None)):
            tasks.append(await begun(engine, Chore(name, "x", error=error), who=name))
        gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [getattr(a, "values", {}).get("name") for a in answers] == ["first", "a", None, "c"]
        assert isinstance(answers[2], BadInput)
        assert (await engine.do(Chore("next"), who="me")).values["name"] == "next"

    play(engine_with(monkeypatch), scene)


def test_too_much_is_refused_with_a_time_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        gate = threading.Event()
        first = Chore("first", gate=gate)
        tasks = [await begun(engine, first, "a")]
        await running(first)
        tasks.append(await begun(engine, Chore("waits", pictures=3), "a"))
        with pytest.raises(Full) as full:
            await engine.do(Chore("late"), who="b")
        assert full.value.retry_after is not None and full.value.retry_after >= 1
        with pytest.raises(Busy):
            await engine.do(Chore("third"), who="a")
        assert engine.status().counts["refused"][1] == 1
        gate.set()
        await asyncio.gather(*tasks)
        await engine.do(Chore("again"), who="a")

    play(engine_with(monkeypatch, waiting=3, per_client=2), scene)


def test_draining_refuses_what_waits_and_finishes_what_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(engine: LocalEngine) -> None:
        gate = threading.Event()
        runs = Chore("runs", gate=gate)
        finishes = await begun(engine, runs)
        await running(runs)
        waits = await begun(engine, Chore("waits"))
        engine.begin_draining()
        assert not engine.status().ready and engine.status().draining
        for late in (waits, engine.do(Chore("late"), who="me")):
            with pytest.raises(Draining) as stopping:
                await late
            assert stopping.value.retry_after
        gate.set()
        assert (await finishes).values["name"] == "runs"

    play(engine_with(monkeypatch), scene)


def test_time_is_limited_and_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        with pytest.raises(TookTooLong):
            await engine.do(Chore("endless", gate=threading.Event()), who="me")
        assert (await engine.do(Chore("next"), who="me")).values["name"] == "next"

    play(engine_with(monkeypatch, seconds=0.3), scene)


def test_a_recipe_that_is_not_offered_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        for recipe in ("third", "./first", "../../etc/passwd"):
            with pytest.raises(UnknownReference, match="There is first, second"):
                await engine.do(Chore("x", recipe=recipe), who="me")
        with pytest.raises(UnknownReference):
            await engine.do(Chore("x", prior="flow:./mine.safetensors"), who="me")

    play(engine_with(monkeypatch), scene)


def test_an_idle_server_gives_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(engine: LocalEngine) -> None:
        session: Any = engine._session
        settle()
        before = session.forgotten
        while session.forgotten < before + 2:
            await asyncio.sleep(0.01)
        assert gc.get_freeze_count() == 0, "what was forgotten could not go"
        assert engine.status().ready
        await engine.do(Chore("again"), who="me")

    play(engine_with(monkeypatch, idle_seconds=0.05), scene)
