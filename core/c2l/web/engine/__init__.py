"""What carries out the works of all routes: a queue, and a worker that owns the models.

A route makes a ``Work`` from what it was sent, and awaits its ``Answer``::

    from c2l.web.connection import while_connected
    from c2l.web.engine import Draw

    @router.post("/api/v1/sample")
    async def sample(body: SampleBody, request: Request) -> ...:
        work = Draw(DrawRequest(prompts=body.prompt, seed=body.seed), recipe=body.recipe)
        answer = await while_connected(request, engine_of(request).do(work, who=who_is(request)))
        pngs = await asyncio.to_thread(lambda: [p.encoded("png") for p in answer.pictures])

``while_connected`` cancels the work when the client leaves. Whatever goes wrong is raised, and
``c2l.web.errors`` answers it; a route catches nothing. Encoding takes milliseconds: do it in a
thread, neither here in the loop nor in the worker.
"""

from c2l.web.engine.engine import Answer, Engine, Progress, Status
from c2l.web.engine.local import LocalEngine
from c2l.web.engine.refusals import Busy, Draining, Full, Refused, TookTooLong
from c2l.web.engine.work import Bench, Work
from c2l.web.engine.works import Describe, Draw, Embed, Score

__all__ = [
    "Answer",
    "Bench",
    "Busy",
    "Describe",
    "Draining",
    "Draw",
    "Embed",
    "Engine",
    "Full",
    "LocalEngine",
    "Progress",
    "Refused",
    "Score",
    "Status",
    "TookTooLong",
    "Work",
]
