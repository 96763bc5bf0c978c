"""Jobs, without a server: their states, and how long they are kept."""

from __future__ import annotations

import asyncio

import pytest

from c2l.web.api.jobs import store
from c2l.web.api.jobs.store import Job, JobStore, Result
from c2l.web.engine import Full, Progress
from c2l.web.engine.engine import OnProgress


async def _at_once(on_progress: OnProgress) -> Result:
    return Result(b"{}")


async def _never(on_progress: OnProgress) -> Result:
    on_progress(Progress(1, 2))
    await asyncio.sleep(3600)
    raise AssertionError


async def _fails(on_progress: OnProgress) -> Result:
    raise ValueError("no")


async def _states(job: Job) -> list[tuple[str, int]]:
    return [(job.state, job.done) async for _ in job.changes()]


def test_a_job_goes_from_queued_to_its_end() -> None:
    async def run() -> None:
        jobs = JobStore()
        job = jobs.add("sample", _at_once)
        assert job.state == "queued"
        assert (await _states(job))[-1] == ("done", 0)
        assert jobs.find(job.id) is job and job.result == Result(b"{}")
        failed = jobs.add("sample", _fails)
        await _states(failed)
        assert failed.state == "failed" and isinstance(failed.error, ValueError)

    asyncio.run(run())


def test_a_cancelled_job_stays_cancelled() -> None:
    async def run() -> None:
        job = JobStore().add("sample", _never)
        await asyncio.sleep(0)
        assert (job.state, job.done, job.total) == ("running", 1, 2)
        job.cancel()
        await asyncio.sleep(0)
        assert job.state == "cancelled" and await _states(job) == [("cancelled", 1)]

    asyncio.run(run())


def test_so_many_run_and_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_JOBS", 2)

    async def run() -> None:
        jobs = JobStore()
        running = [jobs.add("sample", _never) for _ in range(2)]
        with pytest.raises(Full):
            jobs.add("sample", _never)
        for job in running:
            job.cancel()
        ended = [jobs.add("sample", _at_once) for _ in range(2)]
        await asyncio.sleep(0.01)
        jobs.add("sample", _at_once)  # the fifth: the first is forgotten
        assert jobs.find(running[0].id) is None and jobs.find(ended[-1].id) is not None

    asyncio.run(run())


@pytest.mark.parametrize(("limit", "value"), [("KEPT_SECONDS", -1.0), ("MOST_BYTES", 1)])
def test_results_are_forgotten(monkeypatch: pytest.MonkeyPatch, limit: str, value: float) -> None:
    async def run() -> None:
        jobs = JobStore()
        job = jobs.add("sample", _at_once)
        await _states(job)
        assert jobs.find(job.id) is job
        monkeypatch.setattr(store, limit, value)
        assert jobs.find(job.id) is None

    asyncio.run(run())
