"""Random requests to every route of the HTTP service: no 5xx, and no answer against its schema.

    python benchmarks/fuzz_routes.py --examples 2000

Schemathesis makes them of the service's own OpenAPI description: a third right by their shape, a
third wrong in some way, and a third examples with some fields changed. Needs the extra ``dev``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

LIMITS = {"pictures": 4, "candidates": 48, "optimise": 8, "per_client": 64}
"""Small ones: what is tried is whether an answer is right, not how much can be drawn."""
CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
]
"""Not that whatever has the right shape is accepted: a shape cannot say that a text is a PNG."""


def main() -> int:
    """Returns how many requests were answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=2000, help="requests in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="routes that contain this text")
    told = parser.parse_args()
    from served import serving

    from c2l.web.settings import Limits

    with serving(limits=Limits(**LIMITS)) as served:
        begun = time.perf_counter()
        found = fuzz(served.url, examples=told.examples, seed=told.seed, only=told.only)
        seconds = time.perf_counter() - begun
    print(
        f"\n{sum(found.statuses.values()):,} requests to {found.routes} routes in {seconds:.0f} s"
    )
    for status, num in sorted(found.statuses.items()):
        print(f"  {status}: {num:,}")
    print(f"{len(found.failures)} kinds of wrong answers")
    for failure in found.failures:
        print(f"\n{failure}")
    return min(len(found.failures), 100)


class Found:
    """What came of it."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.routes = 0


def fuzz(url: str, *, examples: int, seed: int = 0, only: str = "") -> Found:
    """Send random requests to the routes of a server, equally many to each that takes something.

    Args:
        examples: requests in all.
        only: routes that contain this text.
    """
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import CHECKS
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [
        found.ok()
        for found in schema.get_all_operations()
        if isinstance(found, Ok) and only in found.ok().label
    ]
    checks = CHECKS.get_by_names(CHECKED)  # those of OpenAPI are there once a schema is
    found = Found()
    found.routes = len(operations)
    num_asking = sum(map(_takes_something, operations))
    each = -(-examples // (len(KINDS) * max(1, num_asking)))
    for operation in operations:
        for kind, cases in KINDS.items():

            @seeded(seed)
            @settings(
                max_examples=each,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=cases(operation))
            def ask(case: Any) -> None:
                response = case.call(timeout=120)
                found.statuses[response.status_code] += 1
                case.validate_response(response, checks=checks)

            try:
                ask()
            except Unsatisfiable:  # a route that takes nothing has nothing wrong to take
                pass
            except (Exception, BaseExceptionGroup) as error:
                found.failures.append(f"{operation.label} ({kind})\n{_told(error)}")
        print(".", end="", flush=True)
    return found


def _takes_something(operation: Any) -> bool:
    return bool(list(operation.body) or list(operation.path_parameters) or list(operation.query))


def _right(operation: Any) -> Any:
    from schemathesis import GenerationMode

    return operation.as_strategy(generation_mode=GenerationMode.POSITIVE)


def _wrong(operation: Any) -> Any:
    from schemathesis import GenerationMode

    return operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def _nearly(operation: Any) -> Any:
    """Examples of the description with some fields changed: most of them are carried out."""
    from hypothesis import strategies as st

    examples = [one for body in operation.body for one in body.examples]

    def changed(case: Any, example: dict[str, Any], chance: Any) -> Any:
        if isinstance(case.body, dict):
            own = {name: value for name, value in case.body.items() if chance.random() < 0.2}
            case.body = {**own, **example} if chance.random() < 0.5 else {**example, **own}
        return case

    if not examples:
        return _right(operation)
    randoms = st.randoms(use_true_random=False)
    return st.builds(changed, _right(operation), st.sampled_from(examples), randoms)


KINDS = {"right": _right, "nearly right": _nearly, "wrong": _wrong}


def _told(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_told, error.exceptions))
    return str(error)[:3000]


if __name__ == "__main__":
    raise SystemExit(main())
