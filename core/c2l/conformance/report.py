"""What a check found: one finding for each law, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from c2l.errors import ExitCode

State = Literal["pass", "fail", "expected failure", "not applicable", "not checked"]

RAN: frozenset[State] = frozenset({"pass", "fail", "expected failure"})


@dataclass(frozen=True)
class Finding:
    """What became of one law.

    Args:
        said: what was seen and what to do, if it failed; why, if it was expected to fail, does not
            apply or was not checked.
    """

    law: str
    state: State
    said: str = ""


@dataclass(frozen=True)
class Report:
    """What became of every law of one part.

    Args:
        subject: the reference or the factory that was checked.
        interface: ``generator``, ``embedder`` or ``prior``; empty where no part came about.
    """

    subject: str
    interface: str
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.state == "fail")

    @property
    def passed(self) -> bool:
        """Whether nothing failed but what was expected to."""
        return not self.failures

    @property
    def exit_code(self) -> int:
        """That of ``c2l check``: 0, or the one of plugins at fault."""
        return int(ExitCode.OK if self.passed else ExitCode.MISSING_DEPENDENCY)

    @property
    def counts(self) -> dict[State, int]:
        """How many laws are in each state, those without any left out."""
        counts: dict[State, int] = {}
        for state in ("pass", "fail", "expected failure", "not applicable", "not checked"):
            if num := sum(finding.state == state for finding in self.findings):
                counts[state] = num
        return counts

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed, "counts": dict(self.counts)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        """The counts in one line, and below it one line for each failure."""
        kind = f" ({self.interface})" if self.interface else ""
        failures = (f"  fails {f.law}: {f.said}" for f in self.failures)
        return "\n".join([f"{self.subject}{kind}: {self._summary()}", *failures])

    def _summary(self) -> str:
        parts = [self._counted(state, num) for state, num in self.counts.items()]
        return f"{len(self.findings)} checks: {', '.join(parts)}"

    def _counted(self, state: State, num: int) -> str:
        if state in ("pass", "fail"):
            return f"{num} {state}"
        plural = "s" if state == "expected failure" and num > 1 else ""
        return f"{num} {state}{plural} ({'; '.join(self._reasons(state))})"

    def _reasons(self, state: State) -> Iterator[str]:
        """Each reason once, in the order of the laws."""
        yield from dict.fromkeys(f.said for f in self.findings if f.state == state)
