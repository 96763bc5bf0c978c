"""Mutants: parts that break one promise each, and are otherwise as they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Factory = TypeVar("Factory", bound=Callable[..., Any])

MUTANTS: list[tuple[str, Callable[..., Any]]] = []
"""Law and mutant."""


def breaks(law: str) -> Callable[[Factory], Factory]:
    """Say which law a class or a factory breaks."""

    def note(factory: Factory) -> Factory:
        MUTANTS.append((law, factory))
        return factory

    return note
