"""Requests of several people, drawn as one: what they share is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from c2l.result import Picture
from c2l.sampling.drawing import OnCandidates
from c2l.sampling.request import DrawRequest, Request
from c2l.service.notices import Tell, notice_of_far, notices_before, notices_of_weights
from c2l.service.session import Session

_OWN = {"prompts", "num_images", "seed", "seeds"}
"""What requests that are drawn together may differ in."""


def together_key(request: DrawRequest) -> str | None:
    """Requests of the same key can be drawn together; None can be drawn alone only."""
    if request.latents is not None:
        return None
    return request.model_dump_json(exclude=_OWN, exclude_none=True)


def in_pieces(request: DrawRequest, most: int) -> list[DrawRequest]:
    """A request as several that give its pictures in order, of ``most`` candidates or fewer.

    Args:
        request: with seeds (``with_seeds``).
        most: a picture with more candidates is a piece by itself.
    """
    at_once = max(1, most // request.most_candidates)
    if request.latents is not None or request.num_pictures <= at_once:
        return [request]
    lists = zip(request.prompts, request.seed_lists, strict=True)
    jobs = [(prompt, seed) for prompt, seeds in lists for seed in seeds]
    same = request.model_dump(exclude=_OWN, exclude_none=True)
    pieces = []
    for first in range(0, len(jobs), at_once):
        prompts, seeds = zip(*jobs[first : first + at_once], strict=True)
        own = tuple((seed,) for seed in seeds)
        pieces.append(type(request)(**same, prompts=prompts, seeds=own))
    return pieces


def draw_together(
    session: Session,
    requests: Sequence[Request],
    tells: Sequence[Tell],
    *,
    on_candidates: OnCandidates | None = None,
) -> Iterator[tuple[int, Picture]]:
    """Draw requests of one ``together_key``; each picture comes with the index of its request.

    A picture is that of its request alone, but for the last bits of its numbers.

    Args:
        requests: with seeds (``with_seeds``).
        tells: who is told the notices of each.
        on_candidates: as in ``Session.draw``, for all of them.
    Raises:
        As ``Session.pipeline``.
    """
    pipeline = session.pipeline(requests[0])
    for request, tell in zip(requests, tells, strict=True):
        for notice in (*notices_before(pipeline, request), *notices_of_weights(pipeline, request)):
            tell(notice)
    prompts = [prompt for request in requests for prompt in request.prompts]
    seeds = [tuple(some) for request in requests for some in request.seed_lists]
    asked = requests[0].model_dump(exclude=_OWN, exclude_none=True)
    merged = Request(**{**asked, "prompts": prompts, "seeds": seeds})
    owners = [(index, prompt) for index, request in enumerate(requests)
              for prompt, some in enumerate(request.seed_lists) for _ in some]  # fmt: skip
    best: dict[tuple[int, int], tuple[str, float]] = {}
    pictures = pipeline.stream(merged, on_candidates=on_candidates)
    for owner, picture in zip(owners, pictures, strict=True):
        if owner not in best or picture.score > best[owner][1]:
            best[owner] = picture.prompt, picture.score
        yield owner[0], picture
    for (index, _), (prompt_name, score) in best.items():
        far = notice_of_far(pipeline, prompt_name, score)
        if far is not None:
            tells[index](far)
