"""Draws requests: fetches what they need, keeps recipes loaded, and tells what a user should know.

The command line and the web service are two callers of it; a script may be another.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from c2l.devices import resolve_device, resolve_precision
from c2l.editing import draw_operation
from c2l.loading import DEFAULT_RECIPE, load_pipeline
from c2l.pipeline import OnCandidates, Pipeline
from c2l.plugins import registry
from c2l.result import Picture
from c2l.sampling.request import Request
from c2l.service.consent import Ask, fetch_with_consent
from c2l.service.notices import Notice, notice_of_far, notices_before, notices_of_weights

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport

Tell = Callable[[Notice], None]


@dataclasses.dataclass(frozen=True)
class Parts:
    """The references of a request's parts; None where the prior's file says which."""

    recipe: str | None
    generator: str | None
    embedder: str | None
    prior: str | None


class Session:
    """Pipelines that stay loaded between requests.

    Args:
        ask: answers whether licences are accepted; None accepts nothing that was not accepted
            before.
        tell: is given each notice, once for a request.
        on_download: as ``fetch_with_consent``.
        most_loaded: pipelines kept; the one that was used longest ago goes first.
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
        self._most_loaded = most_loaded
        self._loaded: OrderedDict[tuple[object, ...], Pipeline] = OrderedDict()
        self.milliseconds_loading = 0.0
        """How long the pipeline that was loaded last took, without the network's time."""

    def pipeline(self, request: Request) -> Pipeline:
        """The pipeline of a request, loaded now or before.

        Raises:
            LicenceNotAccepted, NotDownloaded, UnknownReference, BadWeights, IncompatibleParts,
            DeviceUnavailable, BadInput
        """
        device = resolve_device(request.device)
        resolve_precision(request.precision, device)
        parts = named_parts(request)
        key = (*dataclasses.astuple(parts), str(device), request.precision)
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        named = [r for r in (parts.generator, parts.embedder, parts.prior) if r is not None]
        fetch_with_consent(named, ask=self._ask, tell=self.tell, on_download=self._on_download)
        start = perf_counter()
        pipeline = load_pipeline(
            request.recipe,
            generator=request.generator,
            embedder=request.embedder,
            prior=request.prior,
            device=str(device),
            precision=request.precision,
        )
        self.milliseconds_loading = round((perf_counter() - start) * 1000, 1)
        if request.device == "auto":
            self.tell(Notice("device", f"drawing on {device}"))
        while len(self._loaded) >= self._most_loaded:
            self._loaded.popitem(last=False)
        self._loaded[key] = pipeline
        return pipeline

    def draw(
        self,
        request: Request,
        *,
        skip: Collection[int] = (),
        on_candidates: OnCandidates | None = None,
    ) -> Iterator[Picture]:
        """Draw picture after picture; memory does not grow with their number.

        Args:
            request: where it leaves its first seed open, one is picked.
            skip: which pictures are not wanted, counted from 0.
            on_candidates: called as candidates are rendered; may raise to stop.
        Raises:
            As ``pipeline``.
        """
        pipeline = self.pipeline(request)
        for notice in (*notices_before(pipeline, request), *notices_of_weights(pipeline, request)):
            self.tell(notice)
        if request.latents is not None:
            if 0 not in skip:
                yield draw_operation(pipeline, request)
            return
        best: dict[str, float] = {}
        for picture in pipeline.stream(
            request.with_seeds(), skip=skip, on_candidates=on_candidates
        ):
            best[picture.prompt] = max(picture.score, best.get(picture.prompt, picture.score))
            yield picture
        for prompt, score in best.items():
            far = notice_of_far(pipeline, prompt, score)
            if far is not None:
                self.tell(far)


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
    """The references that the parts of a request will be loaded by.

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
