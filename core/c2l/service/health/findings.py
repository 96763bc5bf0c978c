"""The form of what is found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and what to do about it."""

    problem: str
    hint: str


@dataclass
class Health:
    """All that was found.

    Args:
        problems: in the order in which they should be put right.
        facts: texts, or lists of texts, by what they are about.
    """

    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, problem: str, hint: str) -> None:
        """Add a problem, unless it is there already."""
        if (found := Problem(problem, hint)) not in self.problems:
            self.problems.append(found)
