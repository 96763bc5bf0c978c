"""What pydantic finds wrong with a value, in this project's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "bool": "neither true nor false",
    "dict": "not a table",
    "extra_forbidden": "an unknown key",
    "finite_number": "not a finite number",
    "float": "not a number",
    "greater_than": "not above {gt:g}",
    "greater_than_equal": "below {ge:g}",
    "int": "not a whole number",
    "less_than": "not below {lt:g}",
    "less_than_equal": "above {le:g}",
    "list": "not a list",
    "literal_error": "not {expected}",
    "missing": "missing",
    "model": "not a table",
    "path": "not a path",
    "string": "not a text",
    "string_too_short": "empty",
    "string_pattern_mismatch": "not of the form {pattern}",
    "too_short": "empty",
    "tuple": "not a list",
}


def describe_problem(problem: Mapping[str, Any]) -> str:
    """What is wrong with the value, as in ``not a whole number``, ``below 1``, ``missing``.

    Args:
        problem: one of ``pydantic.ValidationError.errors()``.
    """
    kind = problem["type"]
    words = _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0])
    if words is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    return words.format(**problem.get("ctx", {}))
