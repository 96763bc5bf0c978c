"""Values in messages: what pydantic finds wrong with them, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "bool": "neither true nor false",
    "dict": "not a table",
    "extra_forbidden": "an unknown key",
    "finite_number": "not a finite number",
    "float": "not a number",
    "greater_than": "not above {gt}",
    "greater_than_equal": "below {ge}",
    "int": "not a whole number",
    "less_than": "not below {lt}",
    "less_than_equal": "above {le}",
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
    "union_tag_invalid": "not one of {expected_tags}, by its {discriminator}",
    "union_tag_not_found": "without its {discriminator}",
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
    return words.format(**{name: _plain(v) for name, v in problem.get("ctx", {}).items()})


def _plain(value: Any) -> Any:
    """Limits as people write them: ``2.0`` as ``2``, and 20 digits as 20 digits."""
    return f"{value:g}" if isinstance(value, float) else value


def a_type_of(value: object) -> str:
    """``an int``, ``a Tensor``; None is called by its name."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"
