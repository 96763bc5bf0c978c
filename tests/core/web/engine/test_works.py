"""Works, as the engine of a server carries them out."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from served import Served

from c2l.service import DrawRequest
from c2l.web.engine import Answer, Describe, Draw, Embed, Progress, Work


def carried_out(served: Served, *works: Work, **how: Any) -> list[Answer]:
    """Works carried out at once, each of a client of its own."""

    async def all_of_them() -> list[Answer]:
        jobs = [served.engine.do(work, who=str(i), **how) for i, work in enumerate(works)]
        return await asyncio.gather(*jobs)

    return asyncio.run(all_of_them())


def draw(prompt: str, **how: Any) -> Draw:
    return Draw(DrawRequest(prompts=[prompt], **how))


def levels_apart(one: Answer, other: Answer) -> int:
    pixels = [
        np.concatenate([np.frombuffer(p.pixels, np.uint8) for p in a.pictures]).astype(int)
        for a in (one, other)
    ]
    return int(abs(pixels[0] - pixels[1]).max())


def test_a_picture_is_that_of_a_lone_run_whatever_it_was_drawn_with(served: Served) -> None:
    works = [draw(text, seed=seed, num_images=2) for seed, text in enumerate(["a man", "a woman"])]
    together = carried_out(served, draw("a child", seed=9), *works)[1:]
    for work, answer in zip(works, together, strict=True):
        (alone,) = carried_out(served, work)
        assert [p.seed for p in answer.pictures] == [p.seed for p in alone.pictures]
        assert levels_apart(answer, alone) <= 1
        assert answer.pictures[0].record["prompt"] == work.asked.to_dict()["prompts"][0]


def test_notices_are_those_of_the_own_request(served: Served) -> None:
    strange, plain = carried_out(served, draw("a man xqzzy", seed=1), draw("a man", seed=1))
    assert [notice.kind for notice in strange.notices] == ["words"]
    assert plain.notices == ()


def test_a_long_work_is_done_in_pieces_and_tells_how_far_it_is(served: Served) -> None:
    seen: list[Progress] = []
    work = draw("a man", seed=5, num_images=18)
    (answer,) = carried_out(served, work, on_progress=seen.append)
    assert [p.seed for p in answer.pictures] == list(range(5, 23))
    assert len([at for at in seen if at.picture]) == 18


def test_texts_are_embedded(served: Served) -> None:
    described, embedded = carried_out(served, Describe(), Embed(texts=("a man", "a woman")))
    rows = embedded.values["embeddings"]
    assert len(rows) == 2 and len(rows[0]) == described.values["embedding_width"]
