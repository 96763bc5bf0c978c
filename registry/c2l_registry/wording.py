"""What pydantic finds wrong with a value, in this project's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "bool": "neither true nor false",
    "dict": "no table",
    "extra_forbidden": "an unknown key",
    "finite_number": "no finite number",
    "float": "no number",
    "greater_than": "not above {gt:g}",
    "greater_than_equal": "below {ge:g}",
    "int": "no whole number",
    "less_than": "not below {lt:g}",
    "less_than_equal": "above {le:g}",
    "list": "no list",
    "literal_error": "not {expected}",
    "missing": "missing",
    "model": "no table",
    "path": "no path",
    "string": "no text",
    "string_too_short": "empty",
    "string_pattern_mismatch": "not of the form {pattern}",
    "too_short": "empty",
    "tuple": "no list",
}


def describe_problem(problem: Mapping[str, Any]) -> str:
    """What the value is, as in ``no whole number``, ``below 1``, ``missing``.

    Args:
        problem: one of ``pydantic.ValidationError.errors()``.
    """
    kind = problem["type"]
    words = _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0])
    if words is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    return words.format(**problem.get("ctx", {}))
