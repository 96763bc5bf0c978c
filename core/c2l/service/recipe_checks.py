"""Checks of recipes as front ends ask for them: parts by reference, a verdict, two files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from c2l.evaluation.checking import Check, check_pipeline
from c2l.loading import load_pipeline
from c2l.pipeline import Pipeline
from c2l.places.fields import PlaceField
from c2l.plugins import registry
from c2l.prompts.domains import Domain, domain_names, find_domain
from c2l.ranges import Count
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent
from c2l.service.notices import Tell
from c2l.service.pairs import ChosenDevice
from c2l.service.session import named_parts
from c2l.validation import bad_input

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport


class CheckRequest(BaseModel):
    """Which pipeline to check, and how thoroughly.

    Args:
        recipe, generator, embedder, prior: as in ``c2l.load_pipeline``.
        domain: the name of a shipped list of prompts, or a text file; None for the one that the
            prior was trained with, or else the one that suits the generator.
        num_prompts: how many of them to draw, at most.
        num_fresh: fresh pictures of the generator to compare with.
        device: as in ``c2l.load_pipeline``.
        out: a folder for the report, ``check.json`` and ``check.md``; None for none.
    Raises:
        BadInput: naming every value that is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str | None = None
    generator: str | None = None
    embedder: str | None = None
    prior: str | None = None
    domain: str | None = None
    num_prompts: Count = 64
    num_fresh: Count = 256
    device: str = "auto"
    out: PlaceField | None = None

    def __init__(self, **values: Any) -> None:
        with bad_input({}):
            super().__init__(**{n: value for n, value in values.items() if value is not None})


def run_check(
    request: CheckRequest,
    *,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
    on_progress: Callable[[int, int, str], None] = lambda done, num, note: None,
) -> Check:
    """Load the parts, draw a few hundred pictures, and say whether the parts fit.

    Args:
        ask, tell, on_download: as ``fetch_with_consent``.
        on_progress: called with pictures done, pictures in total, and a note.
    Raises:
        As ``fetch_with_consent``, ``c2l.load_pipeline`` and ``check_pipeline``.
    """
    device = ChosenDevice(request.device, tell)
    parts = named_parts(request)
    named = [r for r in (parts.generator, parts.embedder, parts.prior) if r is not None]
    if request.domain is not None:
        find_domain(request.domain, "")  # a typing error is told before anything is fetched
    fetch_with_consent(named, ask=ask, tell=tell, on_download=on_download)
    pipeline = load_with_consent(
        lambda: load_pipeline(
            request.recipe,
            generator=request.generator,
            embedder=request.embedder,
            prior=request.prior,
            device=device.name,
        ),
        ask,
    )
    check = check_pipeline(
        pipeline,
        _domain_of(pipeline, request.domain),
        num_prompts=request.num_prompts,
        num_fresh=request.num_fresh,
        expected=None if request.domain else _expected(pipeline),
        on_progress=device.telling(on_progress),
    )
    if request.out is not None:
        check.write(request.out)
    return check


def _domain_of(pipeline: Pipeline, wanted: str | None) -> Domain:
    card = pipeline.prior.card
    trained = card.domain.get("name") if card else None
    known = trained if trained in domain_names() else None
    return find_domain(wanted or known, pipeline.generator.reference)


def _expected(pipeline: Pipeline) -> dict[str, tuple[float | None, float | None]] | None:
    """What the authors of a recipe saw, if they say so and nothing in it was replaced."""
    if not pipeline.recipe:
        return None
    low_and_high = registry().recipe(pipeline.recipe).expected_alignment
    return None if low_and_high is None else {"alignment": low_and_high}
