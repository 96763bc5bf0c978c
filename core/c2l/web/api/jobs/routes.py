"""The routes of jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from c2l.web.api.asked import Asked, checked
from c2l.web.api.asking import as_json, carried_out, work_of
from c2l.web.api.jobs.store import Job, JobStore, Result, State
from c2l.web.api.kinds import JOBS
from c2l.web.api.videos import VIDEO_CONTENT, VideoBody, VideoOut, video_file
from c2l.web.documented import ErrorDetail, errors, example
from c2l.web.engine.engine import OnProgress
from c2l.web.errors import ApiError, as_api_error, error_detail
from c2l.web.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/jobs")

JobId = Annotated[str, Path(max_length=100, description="as POST /jobs answered it")]
_ALIVE_SECONDS = 15.0
"""After which a silent stream says that it lives, so that no proxy ends it."""


class JobBody(BaseModel):
    """A job.

    Args:
        kind: the last part of the route that would answer at once.
        request: the body of that route.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"kind": "sample", "request": {"prompt": "a happy man", "seed": 7}}]
        },
    )

    kind: Literal[
        "sample", "vary", "mix", "move", "like", "synthesize", "walk", "video", "direction",
        "adhere", "invert",
    ]  # fmt: skip
    request: dict[str, Any]


class ProgressOut(BaseModel):
    """How far a job is: steps, pictures or frames."""

    done: int
    total: int


class JobOut(BaseModel):
    """A job.

    Args:
        created: seconds since 1970.
        result: what the route would have answered, once it is done; of a video, where it is.
        error: why it failed.
    """

    id: str
    kind: str
    state: State
    progress: ProgressOut
    created: float
    result: dict[str, Any] | None
    error: ErrorDetail | None


_JOB = {
    "id": "job_9f8K2c…",
    "kind": "invert",
    "state": "running",
    "progress": {"done": 12, "total": 200},
    "created": 1764420000.1,
    "result": None,
    "error": None,
}
_EVENTS = (
    'event: state\ndata: {"state": "running"}\n\n'
    'event: progress\ndata: {"done": 12, "total": 200}\n\n'
)
_OVER = object()


@router.post(
    "",
    status_code=202,
    summary="Begin a job",
    responses={**errors(), 202: {"content": {"application/json": {"example": _JOB}}}},
)
async def begin(body: JobBody, request: Request) -> JobOut:
    """The request is checked at once; what is wrong with it is answered here."""
    asked = checked(JOBS[body.kind], body.request, ("request",))
    await work_of(request, asked)

    async def do(on_progress: OnProgress) -> Result:
        return await _done(request, asked, on_progress)

    return job_out(_store(request).add(body.kind, do))


@router.get(
    "/{id}",
    summary="How a job is, and its result",
    responses={**errors(401, 404), **example(_JOB)},
    response_model=JobOut,
)
async def look(id: JobId, request: Request) -> Response:
    job = _found(request, id)
    told = await asyncio.to_thread(lambda: job_out(job, with_result=True).model_dump_json())
    return Response(told, media_type="application/json")


@router.get(
    "/{id}/events",
    summary="How a job goes, as server-sent events",
    response_class=StreamingResponse,
    responses={**errors(401, 404), 200: {"content": {"text/event-stream": {"example": _EVENTS}}}},
)
async def events(id: JobId, request: Request) -> StreamingResponse:
    """``progress`` and ``state`` until the job ends; ``end`` is the last, without the result."""
    return StreamingResponse(_events(_found(request, id)), media_type="text/event-stream",
                             headers={"cache-control": "no-store"})  # fmt: skip


@router.get(
    "/{id}/file",
    summary="The video of a job",
    response_class=Response,
    responses={**errors(401, 404), 200: {"description": "The file", "content": VIDEO_CONTENT}},
)
async def file(id: JobId, request: Request) -> Response:
    job = _found(request, id)
    if job.result is None or job.result.format is None:
        raise ApiError(404, "this job has no file", param="id", code="not_found")
    return video_file(job.result.data, job.result.format)


@router.delete(
    "/{id}",
    summary="Cancel a job, or forget its result",
    responses={**errors(401, 404), **example({**_JOB, "state": "cancelled"})},
)
async def cancel(id: JobId, request: Request) -> JobOut:
    """What runs is cancelled; what has ended is forgotten, with its result."""
    job = _found(request, id)
    if job.has_ended:
        _store(request).forget(job)
    job.cancel()
    return job_out(job)


def job_out(job: Job, *, with_result: bool = False) -> JobOut:
    """A job as it is answered."""
    result = job.result if with_result else None
    told: Any = None
    if result is not None and result.format is not None:
        url = f"/api/v1/jobs/{job.id}/file"
        told = VideoOut(url=url, format=result.format, size=len(result.data)).model_dump()
    elif result is not None:
        told = json.loads(result.data)
    error = None if job.error is None else error_detail(as_api_error(job.error))
    return JobOut(
        id=job.id,
        kind=job.kind,
        state=job.state,
        progress=ProgressOut(done=job.done, total=job.total),
        created=job.created,
        result=told,
        error=None if error is None else ErrorDetail.model_validate(error),
    )


async def _done(request: Request, asked: Asked, on_progress: OnProgress) -> Result:
    answer, milliseconds = await carried_out(request, asked, on_progress)
    if isinstance(asked, VideoBody):
        return Result(answer.values["video"], asked.format)
    told = await asyncio.to_thread(as_json, asked, answer, milliseconds)
    return Result(bytes(told.body))


async def _events(job: Job) -> AsyncIterator[str]:
    state, at = None, None
    changes = aiter(job.changes())
    while True:
        coming = asyncio.ensure_future(anext(changes, _OVER))
        while not (await asyncio.wait({coming}, timeout=_ALIVE_SECONDS))[0]:
            yield ": still here\n\n"
        if coming.result() is _OVER:
            break
        if state != job.state:
            state = job.state
            yield _event("state", {"state": state})
        if at != (job.done, job.total):
            at = (job.done, job.total)
            yield _event("progress", {"done": job.done, "total": job.total})
    yield _event("end", job_out(job).model_dump())


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _found(request: Request, id: str) -> Job:
    job = _store(request).find(id)
    if job is None:
        raise ApiError(404, "there is no such job, or no longer", param="id", code="not_found")
    return job


def _store(request: Request) -> JobStore:
    state = request.app.state
    if not hasattr(state, "jobs"):
        state.jobs = JobStore()
    return cast(JobStore, state.jobs)
