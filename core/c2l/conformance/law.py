"""What a law is, and what its function says with: ``require`` and ``Breach``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LawFunction = Callable[[Any], None]


class Breach(AssertionError):
    """A law is broken.

    Args:
        seen: what was seen.
        do: what its author can do; empty where that goes without saying.
    """

    def __init__(self, seen: str, do: str = "") -> None:
        super().__init__(f"{seen}; {do}" if do else seen)


def require(condition: bool, seen: str, do: str = "") -> None:
    """Raises ``Breach`` unless the condition holds. Unlike ``assert``, ``python -O`` keeps it."""
    if not condition:
        raise Breach(seen, do)


def always(subject: Any) -> str:
    """For laws that apply to every part."""
    return ""


@dataclass(frozen=True)
class Law:
    """One promise of an interface.

    Args:
        check: takes a ``Subject`` and raises if the part breaks the law. Its name says what it
            demands, its docstring why.
        needs: the laws without which this one has no meaning: a picture has no range before it has
            a shape. It is not checked once one of them failed, so that one fault is named once.
        unless: why the law does not apply to a part, by what the part declares; empty if it does.
    """

    check: LawFunction
    needs: tuple[LawFunction, ...] = ()
    unless: Callable[[Any], str] = always

    @property
    def name(self) -> str:
        return self.check.__name__

    @property
    def rule(self) -> str:
        """The rule and its reason."""
        return inspect.cleandoc(self.check.__doc__ or "")
