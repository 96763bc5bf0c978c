"""Temporary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Ask = Callable[[Sequence[Any]], bool]


def fetch_with_consent(references: Sequence[str], *, ask: Ask | None) -> None:
    from c2l.fetching import convert_fetched, fetch_missing, find_missing, not_accepted

    missing = find_missing(references)
    questions = [model for model in missing if not model.accepted]
    if questions and not (ask and ask(missing)):
        raise not_accepted(questions)
    if missing:
        fetch_missing(missing, accept_licence=True)
    convert_fetched(references)
