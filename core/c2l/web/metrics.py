"""Numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from c2l.web.engine.engine import Running

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """What is counted of one app."""

    def __init__(self, engine: Running) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "c2l_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "c2l_request_seconds",
            "How long requests took.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_OfEngine(engine))
        ProcessCollector(registry=self.registry)

    def request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request; all that no route answered are one."""
        route = route_of(scope)
        self._requests.labels(route, str(status)).inc()
        if scope["type"] == "http":
            self._seconds.labels(route).observe(seconds)

    def router(self) -> APIRouter:
        """The route that gives them away."""
        router = APIRouter(tags=["health"])

        @router.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
        async def metrics() -> Response:
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

        return router


def route_of(scope: Scope) -> str:
    """The route that answered, as ``/api/v1/recipes/{name}``; "other" for none.

    A route of a router within others knows the end of its path alone; what comes before are
    prefixes, which hold no parameters.
    """
    template = getattr(scope.get("route"), "path", None)
    if template is None:
        return "other"
    if ":path}" in template:
        return str(template)  # of any number of steps
    end = [step for step in template.split("/") if step]
    whole = [step for step in scope["path"].split("/") if step]
    return "/" + "/".join([*whole[: len(whole) - len(end)], *end])


class _OfEngine(Collector):
    """Reads an engine's numbers whenever they are asked for."""

    def __init__(self, engine: Running) -> None:
        self._engine = engine

    def describe(self) -> Iterator[Metric]:
        return iter(())  # an engine that has not started has nothing to say yet

    def collect(self) -> Iterator[Metric]:
        status = self._engine.status()
        yield GaugeMetricFamily("c2l_waiting", "Requests that wait.", status.waiting)
        yield GaugeMetricFamily("c2l_running", "Requests that are carried out.", status.running)
        loaded = GaugeMetricFamily("c2l_loaded", "Recipes in memory.", labels=["recipe"])
        for recipe in status.loaded:
            loaded.add_metric([recipe], 1)
        yield loaded
        for name, (help, value) in status.counts.items():
            yield CounterMetricFamily(f"c2l_{name}", help, value)
