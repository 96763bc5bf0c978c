"""Draws requests: fetches what they need, keeps pipelines loaded, and passes on notices.

The command line and the web service share it; a script may use it as well.
"""

from __future__ import annotations

import copy
import dataclasses
import gc
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from c2l.devices import free_cached_memory, resolve_device, resolve_precision
from c2l.loading import DEFAULT_RECIPE, load_pipeline
from c2l.pipeline import Pipeline
from c2l.plugins import registry
from c2l.precisions import AUTO
from c2l.result import Picture
from c2l.sampling.drawing import OnCandidates
from c2l.sampling.request import Request
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent, offer_check
from c2l.service.notices import (
    Notice,
    Tell,
    notice_of_far,
    notices_before,
    notices_of_weights,
)

if TYPE_CHECKING:
    import torch

    from c2l.fetching import Missing
    from c2l_registry.downloads import FileReport


@dataclasses.dataclass(frozen=True)
class Parts:
    """The references of a request's parts; None where the prior's file names them."""

    recipe: str | None
    generator: str | None
    embedder: str | None
    prior: str | None


class Session:
    """Draws requests with pipelines that stay loaded. Threads may share one.

    Args:
        ask: answers whether licences and programs are accepted; None accepts none that was not
            accepted before.
        tell: called with each notice of a request, once.
        on_download: as for ``fetch_with_consent``.
        most_loaded: pipelines to keep, 1 or more; the least recently used is dropped first.
    """

    def __init__(
        self,
        *,
        ask: Ask | None = None,
        tell: Tell = lambda notice: None,
        on_download: FileReport | None = None,
        most_loaded: int = 2,
    ) -> None:
        self._ask = ask
        self._on_download = on_download
        self.tell = tell
        """Passes a notice on."""
        self.milliseconds_loading = 0.0
        """How long the last pipeline took to load, without fetching."""
        self._most_loaded = most_loaded
        self._loaded: OrderedDict[tuple[object, ...], Pipeline] = OrderedDict()
        self._access = Lock()  # to ``_loaded``
        self._loading = Lock()  # one pipeline at a time, so that none is loaded twice

    def has(self, request: Request) -> bool:
        """Whether the pipeline of a request is in memory. Raises ``UnknownReference``."""
        return self._recall(_key(request)) is not None

    def telling(self, tell: Tell) -> Session:
        """This session, with the same pipelines, whose notices go elsewhere.

        For one of several requests at a time, each of which wants its own notices.
        """
        other = copy.copy(self)
        other.tell = tell
        return other

    @property
    def loaded(self) -> tuple[str, ...]:
        """The pipelines in memory, by recipe or prior; the one used last comes last."""
        with self._access:
            pipelines = list(self._loaded.values())
        return tuple(p.recipe or p.prior.reference for p in pipelines)

    def forget(self) -> None:
        """Drop all pipelines: their memory is free once no drawing uses them."""
        with self._access:
            self._loaded.clear()
        gc.collect()  # pipelines and their parts know each other
        free_cached_memory()

    def pipeline(self, request: Request) -> Pipeline:
        """The pipeline of a request, loaded unless it is here already.

        Raises:
            LicenceNotAccepted, ProgramNotAccepted, NotDownloaded, UnknownReference, BadWeights,
            IncompatibleParts, DeviceUnavailable, BadInput
        """
        device = resolve_device(request.device)
        if request.precision != AUTO:
            resolve_precision(request.precision, device)
        parts, key = named_parts(request), _key(request)
        pipeline = self._recall(key)
        if pipeline is None:
            with self._loading:
                # Another thread may have loaded it in the meantime.
                pipeline = self._recall(key) or self._load(request, parts, device)
                with self._access:
                    self._loaded[key] = pipeline
                    while len(self._loaded) > self._most_loaded:
                        self._loaded.popitem(last=False)
        return pipeline

    def _recall(self, key: tuple[object, ...]) -> Pipeline | None:
        with self._access:
            if key in self._loaded:
                self._loaded.move_to_end(key)
            return self._loaded.get(key)

    def fetch(self, references: Sequence[str]) -> list[Missing]:
        """Fetch what is missing of these models; errors as in ``fetch_with_consent``."""
        return fetch_with_consent(
            references, ask=self._ask, tell=self.tell, on_download=self._on_download
        )

    def _load(self, request: Request, parts: Parts, device: torch.device) -> Pipeline:
        named = [r for r in (parts.generator, parts.embedder, parts.prior) if r is not None]
        offer_check(parts.recipe, self.fetch(named), self.tell)
        start = perf_counter()
        pipeline = load_with_consent(
            lambda: load_pipeline(
                request.recipe,
                generator=request.generator,
                embedder=request.embedder,
                prior=request.prior,
                device=str(device),
                precision=request.precision,
            ),
            self._ask,
        )
        self.milliseconds_loading = round((perf_counter() - start) * 1000, 1)
        if request.device == "auto":
            self.tell(Notice("device", f"drawing on {device}"))
        if request.precision == AUTO:
            self.tell(Notice("precision", f"drawing in {pipeline.drawn_in}, the fastest here"))
        return pipeline

    def draw(
        self,
        request: Request,
        *,
        skip: Collection[int] = (),
        on_candidates: OnCandidates | None = None,
    ) -> Iterator[Picture]:
        """Draw one picture after the other; memory does not grow with their number.

        Args:
            request: if it has no seed, one is picked at random.
            skip: indices of pictures to leave out, counted from 0.
            on_candidates: called as candidates are rendered; may raise to stop.
        Raises:
            As ``pipeline``, when the first picture is asked for.
        """
        pipeline = self.pipeline(request)
        for notice in (*notices_before(pipeline, request), *notices_of_weights(pipeline, request)):
            self.tell(notice)
        if request.latents is not None:
            if 0 not in skip:
                scored_by = request.prompts[0] if request.prompts else None
                for result in pipeline.draw_operations(
                    [request.latents], truncation=request.truncation, prompt=scored_by
                ):
                    yield from result
            return
        best: dict[str, float] = {}
        for picture in pipeline.stream(request, skip=skip, on_candidates=on_candidates):
            best[picture.prompt] = max(picture.score, best.get(picture.prompt, picture.score))
            yield picture
        for prompt, score in best.items():
            far = notice_of_far(pipeline, prompt, score)
            if far is not None:
                self.tell(far)


def _key(request: Request) -> tuple[object, ...]:
    """What requests of the same pipeline have in common."""
    parts = dataclasses.astuple(named_parts(request))
    return (*parts, str(resolve_device(request.device)), request.precision)


class NamesParts(Protocol):
    """Anything that names the parts of a pipeline, as a request does."""

    @property
    def recipe(self) -> str | None: ...
    @property
    def generator(self) -> str | None: ...
    @property
    def embedder(self) -> str | None: ...
    @property
    def prior(self) -> str | None: ...


def named_parts(request: NamesParts) -> Parts:
    """The references from which the parts of a request are loaded.

    Raises:
        UnknownReference: there is no such recipe.
    """
    recipe = request.recipe
    if request.generator and request.embedder and request.prior:
        return Parts(recipe, request.generator, request.embedder, request.prior)
    if recipe is None and request.prior is None:
        recipe = DEFAULT_RECIPE
    card = registry().recipe(recipe) if recipe is not None else None
    return Parts(
        recipe,
        request.generator or (card.generator if card else None),
        request.embedder or (card.embedder if card else None),
        request.prior or (card.prior if card else None),
    )
