"""Values that people type as one text, such as ``4,4,10``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from c2l.errors import BadInput


def split_list(value: str | Sequence[Any] | None) -> Sequence[Any] | None:
    """``4,8,32`` as a list of three texts; lists and None unchanged."""
    return value.split(",") if isinstance(value, str) else value


def parse_groups(value: str | Sequence[int] | None) -> Sequence[int] | None:
    """Layer groups such as ``4,4,10``; numbers and None unchanged. Raises ``BadInput``."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(int(number) for number in value.split(","))
    except ValueError:
        raise BadInput(
            f"`groups={value}` is not a list of whole numbers",
            hint="Write it as in `groups=4,4,10`",
            field="groups",
        ) from None


def parse_settings(
    value: Sequence[str] | Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """``["hidden=512"]`` as a mapping; a mapping and None unchanged. Raises ``BadInput``."""
    if value is None or isinstance(value, Mapping):
        return value
    return dict(map(_parse_setting, value))


def _parse_setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (equals and name and value):
        raise BadInput(
            f"'{text}' is not a setting",
            hint="Write it as in `settings.hidden=512`",
            field="settings",
        )
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
