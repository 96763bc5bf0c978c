"""Bodies in JSON that mean one thing: no NaN, no field twice, no depth that breaks a parser."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from c2l.web.errors import ApiError

MOST_NESTED = 100
"""Objects and lists within each other; a record of 32 nested operations has about 40."""


def loads_strictly(data: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ApiError: 400; it is no JSON, or is JSON only for lenient parsers.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refused)
    except UnicodeDecodeError:
        raise _bad("the body is not UTF-8") from None
    except RecursionError:
        raise _bad("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _bad(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:  # a whole number of thousands of digits
        raise _bad("the body has a number that is too long") from None
    if _depth(value) > MOST_NESTED:
        raise _bad("the body is nested too deeply")
    return value


class StrictRoute(APIRoute):
    """A route that reads its body by ``loads_strictly``: ``APIRouter(route_class=StrictRoute)``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            try:
                return await handler(strict)
            except Exception as error:
                # FastAPI puts words of its own into the place of what reading a body raises.
                raise strict.wrong or error from None

        return strictly


class _StrictRequest(Request):
    wrong: ApiError | None = None

    async def json(self) -> Any:
        try:
            return loads_strictly(await self.body())
        except ApiError as error:
            self.wrong = error
            raise


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _bad(f"`{twice[:80]}` is given twice")
    return found


def _refused(name: str) -> float:
    raise _bad(f"{name} is not JSON")


def _bad(message: str) -> ApiError:
    return ApiError(400, message, code="bad_json")


def _depth(value: Any) -> int:
    level, found = [value], 0
    while level and found <= MOST_NESTED:
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        found += 1
    return found
