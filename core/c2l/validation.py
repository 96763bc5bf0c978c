"""Pydantic's ``ValidationError`` as one ``BadInput`` that names every fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from c2l.errors import BadInput
from c2l_registry.wording import describe_problem


class FieldError(ValueError):
    """A fault found by a validator, with a field or a hint of its own.

    Args:
        message: one line.
        field: for ``BadInput.field``; empty for the field that is being validated.
        hint: instead of the field's usual one.
    """

    def __init__(self, message: str, field: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.hint = hint


@contextmanager
def bad_input(hints: Mapping[str, str]) -> Iterator[None]:
    """Turn ``ValidationError`` into ``BadInput``.

    Args:
        hints: what to do about each field.
    """
    try:
        yield
    except ValidationError as error:
        problems = error.errors(include_url=False)
        faults = list(dict.fromkeys(map(problem_text, problems)))
        advice = list(dict.fromkeys(filter(None, (_hint(p, hints) for p in problems))))
        raise BadInput(
            "; ".join(faults), hint="; ".join(advice), field=_field(problems[0])
        ) from error
    except UnicodeEncodeError as error:  # pydantic cannot hold a validator's words on such a text
        text = error.object.encode(errors="backslashreplace").decode()
        raise BadInput(text, hint="Type it in a terminal that is set to UTF-8") from error


def _field(problem: Mapping[str, Any]) -> str:
    own = problem.get("ctx", {}).get("error")
    if isinstance(own, FieldError) and own.field:
        return own.field
    return str(problem["loc"][0]) if problem["loc"] else ""


def _hint(problem: Mapping[str, Any], hints: Mapping[str, str]) -> str:
    own = problem.get("ctx", {}).get("error")
    if isinstance(own, FieldError) and own.hint:
        return own.hint
    return hints.get(_field(problem), "")


def problem_text(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems, as in ``\\`steps=0\\` is below 1``."""
    name, kind = ".".join(map(str, problem["loc"])), problem["type"]
    if kind == "value_error" and (own := problem.get("ctx", {}).get("error")):
        return str(own)  # a validator of ours, whose message is complete
    if kind in ("extra_forbidden", "missing") or not name:
        return f"`{name}` is {describe_problem(problem)}" if name else describe_problem(problem)
    given = problem["input"]
    return f"`{name}={given!r}` is {describe_problem(problem)}"
