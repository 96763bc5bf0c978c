"""The Ray engine: what it makes of whatever becomes of its actors.

Ray itself starts in one test alone, which takes a minute and 1 GB: ``C2L_TEST_RAY=1`` runs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import c2l
from c2l.errors import BadInput, MissingDependency
from c2l.pairs import begin_pairs, build_pairs, draw_pairs, finish_pairs
from c2l.pairs.beats import Worker
from c2l.pairs.engines import ray as engine
from c2l.pairs.engines.ray import NobodyStarts, RayEngine, ShardKills
from c2l.testing import toy_parts


class RayError(Exception):
    """Whatever Ray raises."""


class Died(RayError):
    """An actor has gone."""

    def __init__(self, actor_init_failed: bool = False) -> None:
        super().__init__("no module\nnamed c2l")
        self.actor_init_failed = actor_init_failed


class Raised(RayError):
    """An actor's own error."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


class Call:
    """A call of an actor, which is not carried out before it is asked for."""

    def __init__(self, answer: Callable[[], Any], actor: int, is_hello: bool) -> None:
        self.answer, self.actor, self.is_hello = answer, actor, is_hello


class Handle:
    """An actor; ``act(number of the actor, place of the shard)`` may raise in its stead."""

    def __init__(self, ray: Ray, number: int, job: Any, device: str) -> None:
        self.run_shard = SimpleNamespace(remote=self._call)
        self.hello = SimpleNamespace(remote=self._hello)
        self._ray, self._number, self._dead = ray, number, False
        self._actor = engine._Actor(job, "cpu")

    def _hello(self) -> Call:
        who = "node", self._number
        return Call(lambda: self._ray.start(self._number) or who, self._number, is_hello=True)

    def _call(self, index: int) -> Call:
        return Call(lambda: self._answer(index), self._number, is_hello=False)

    def _answer(self, index: int) -> Any:
        try:
            if self._dead:
                raise Died
            self._ray.act(self._number, index)
        except Died:
            self._dead = True
            raise
        try:
            return self._actor.run_shard(index)
        except c2l.C2LError as error:
            raise Raised(error) from error


class Ray:
    """As much of Ray as the engine uses."""

    exceptions = SimpleNamespace(RayError=RayError, RayActorError=Died, RayTaskError=Raised)

    def __init__(self, act: Callable[[int, int], None], **resources: float) -> None:
        self.act, self.resources = act, resources or {"CPU": 2}
        self.start: Callable[[int], None] = lambda actor: None
        self.waits: Callable[[int], bool] = lambda actor: False
        self.killed: list[int] = []
        self.num_hired, self.is_down = 0, False
        self.on_gpus: list[float] = []

    def put(self, job: Any) -> Any:
        return job

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def remote(self, cls: type) -> Any:
        return self

    def options(self, *, num_cpus: int, num_gpus: int, max_concurrency: int) -> Any:
        def hire(job: Any, device: str) -> Handle:
            self.num_hired += 1
            self.on_gpus.append(num_gpus)
            return Handle(self, self.num_hired, job, device)

        return SimpleNamespace(remote=hire)

    def wait(self, calls: list[Call], **_: Any) -> tuple[list[Call], list[Call]]:
        """Actors start as soon as they can; of shards, the first is drawn."""
        ready = [call for call in calls if not self.waits(call.actor)]
        assert ready, "nobody will ever answer"
        ready.sort(key=lambda call: not call.is_hello)
        return ready[:1], ready[1:]

    def kill(self, actor: Handle) -> None:
        self.killed.append(actor._number)

    def get(self, call: Call) -> Any:
        return call.answer()

    def shutdown(self) -> None:
        self.is_down = True


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def draw(folder: Path, monkeypatch: pytest.MonkeyPatch, ray: Ray) -> list[tuple[int, int]]:
    from c2l.pairs.job import Job

    monkeypatch.setattr(engine, "_joined", lambda: ray)
    monkeypatch.setattr(
        engine, "job_of", lambda parts, plan, out: Job(lambda device: toy_parts(), plan, out)
    )
    parts = toy_parts()
    plan = begin_pairs(parts, 70, folder, shard_size=10, batch_size=4)
    seen: list[tuple[int, int]] = []
    try:
        draw_pairs(parts, plan, folder, RayEngine(), on_progress=lambda *now: seen.append(now))
    finally:
        assert ray.is_down
    return seen


def test_two_actors_draw_what_one_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_pairs(*toy_parts(), 70, tmp_path / "whole", shard_size=10, batch_size=4)
    ray = Ray(lambda actor, index: None)
    seen = draw(tmp_path / "p", monkeypatch, ray)
    assert (seen[0], seen[-1], len(seen), ray.num_hired) == ((0, 70), (70, 70), 8, 2)
    finish_pairs(tmp_path / "p")
    assert contents(tmp_path / "p") == contents(tmp_path / "whole")


def test_gpus_are_used_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray(lambda actor, index: None, CPU=8, GPU=3)
    draw(tmp_path, monkeypatch, ray)
    assert ray.on_gpus == [1, 1, 1]


def test_shards_of_an_actor_that_died_are_drawn_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(actor: int, index: int) -> None:
        if actor in (1, 3):
            raise Died

    ray = Ray(act)
    draw(tmp_path, monkeypatch, ray)
    assert len(finish_pairs(tmp_path).shards) == 7 and ray.num_hired == 4


def test_an_actor_that_waits_for_a_device_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(actor: int, index: int) -> None:
        if actor == 1:
            raise Died

    ray = Ray(act)  # which still counts the device of the node that died with the first actor
    ray.waits = lambda actor: actor >= 3
    draw(tmp_path, monkeypatch, ray)
    assert len(finish_pairs(tmp_path).shards) == 7 and ray.num_hired == 3


def test_an_actor_that_dies_before_it_is_there_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(actor: int) -> None:
        if actor < 6:
            raise Died

    ray = Ray(lambda actor, index: None)
    ray.start = start
    draw(tmp_path, monkeypatch, ray)
    assert len(finish_pairs(tmp_path).shards) == 7 and ray.num_hired == 7


@pytest.mark.parametrize(("is_certain", "num"), [(True, 2), (False, 7)])
def test_a_cluster_that_starts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_certain: bool, num: int
) -> None:
    def start(actor: int) -> None:
        raise Died(is_certain)

    ray = Ray(lambda actor, index: None)
    ray.start = start
    with pytest.raises(NobodyStarts, match=r"starts no worker: no module named c2l\."):
        draw(tmp_path, monkeypatch, ray)
    assert ray.num_hired == num


@pytest.mark.parametrize(("silent", "killed"), [(301.0, [1]), (100_000.0, [])])
def test_an_actor_that_hangs_is_ended_and_a_silence_before_its_time_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: float, killed: list[int]
) -> None:
    now = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(engine.time, "monotonic", lambda: next(now))
    signs = [Worker("node", 1, "pairs-00000.safetensors", silent, hangs=True)]
    monkeypatch.setattr(engine, "workers_of", lambda out: signs)
    ray = Ray(lambda actor, index: None)
    draw(tmp_path, monkeypatch, ray)
    assert ray.killed == killed and len(finish_pairs(tmp_path).shards) == 7


def test_a_node_that_comes_later_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray(lambda actor, index: ray.resources.update(CPU=3), CPU=1)
    draw(tmp_path, monkeypatch, ray)
    assert ray.num_hired == 3


def test_a_shard_that_kills_everybody_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(actor: int, index: int) -> None:
        if index == 2:
            raise Died

    with pytest.raises(ShardKills, match=r"3 workers died or hung while they drew pairs-00002\."):
        draw(tmp_path, monkeypatch, Ray(act))
    assert list(tmp_path.glob("pairs-*.json"))  # what was finished stays


def test_a_nan_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def act(actor: int, index: int) -> None:
        asked.append(index)
        if index == 1:
            raise Raised(BadInput("the generator gives NaN"))

    with pytest.raises(BadInput, match="gives NaN"):
        draw(tmp_path, monkeypatch, Ray(act))
    assert asked.count(1) == 1


def test_a_cluster_without_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="the Ray cluster has no CPU"):
        draw(tmp_path, monkeypatch, Ray(lambda actor, index: None, memory=1))


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"c2l\[ray\]"):
        engine._joined()


@pytest.mark.skipif(not os.environ.get("C2L_TEST_RAY"), reason="a minute; C2L_TEST_RAY=1 runs it")
def test_ray_itself(tmp_path: Path) -> None:
    parts = (
        c2l.load_generator("stylegan:demo-faces", device="cpu"),
        c2l.load_embedder("openclip:demo", device="cpu"),
    )
    plan = begin_pairs(parts, 64, tmp_path / "p", shard_size=8, batch_size=8)
    draw_pairs(parts, plan, tmp_path / "p", RayEngine())
    finish_pairs(tmp_path / "p")
    build_pairs(*parts, 64, tmp_path / "whole", shard_size=8, batch_size=8)
    assert contents(tmp_path / "p") == contents(tmp_path / "whole")
