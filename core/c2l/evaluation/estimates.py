"""Scores with standard errors, and paired tests of two of them.

The unit of observation is the prompt: pictures of one prompt resemble each other, so they count as
one. A score that is not a mean over prompts (a distance between two sets of pictures) is split
into prompts by the jackknife: leave one out, and see what changes (Tukey 1958, pseudo-values). So
every score is P values whose spread gives its error, and two runs on the same prompts can be
compared in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """A score.

    Args:
        value: the score itself.
        per_prompt: what each prompt contributes; empty where the score cannot be split.
        error: one standard error, over prompts; None for fewer than two of them.
    """

    value: float
    per_prompt: tuple[float, ...] = ()
    error: float | None = None

    @classmethod
    def of_mean(cls, per_prompt: Tensor) -> Self:
        """The mean of one value for each prompt, (P,)."""
        return cls._of(float(per_prompt.double().mean()), per_prompt)

    @classmethod
    def of_jackknife(cls, value: float, without: Tensor) -> Self:
        """From a score, and its values when one prompt at a time is left out, (P,)."""
        num = len(without)
        if num < 2:
            return cls(value)
        return cls._of(value, num * value - (num - 1) * without.double())

    @classmethod
    def _of(cls, value: float, per_prompt: Tensor) -> Self:
        values = tuple(per_prompt.double().tolist())
        return cls(value, values, standard_error(values))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, rounded."""
        return {
            "value": _rounded(self.value),
            "error": None if self.error is None else _rounded(self.error),
            "per_prompt": [_rounded(v) for v in self.per_prompt],
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """What ``to_dict`` gave."""
        return cls(raw["value"], tuple(raw["per_prompt"]), raw["error"])


@dataclass(frozen=True)
class Difference:
    """How much one score is above another on the same prompts.

    Args:
        value: the difference.
        error: one standard error of it; None where the prompts cannot be paired.
        p: of a two-sided paired t-test: how often chance alone gives a difference this large.
    """

    value: float
    error: float | None = None
    p: float | None = None

    @classmethod
    def between(cls, one: Estimate, other: Estimate) -> Self:
        """``one`` minus ``other``, which have the same prompts in the same order."""
        value = one.value - other.value
        pairs = list(zip(one.per_prompt, other.per_prompt, strict=False))
        error = standard_error([a - b for a, b in pairs])
        if len(one.per_prompt) != len(other.per_prompt) or error is None:
            return cls(value)
        if error == 0:
            return cls(value, 0.0, 1.0 if value == 0 else 0.0)
        return cls(value, error, student_p(value / error, len(pairs) - 1))

    def to_dict(self) -> dict[str, float | None]:
        """JSON-able."""
        return {"value": self.value, "error": self.error, "p": self.p}


def standard_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean of independent values; None for fewer than two."""
    num = len(values)
    if num < 2:
        return None
    mean = math.fsum(values) / num
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (num - 1) / num)


def student_p(t: float, degrees: int) -> float:
    """The two-sided p-value of Student's t.

    For a whole number of degrees of freedom the distribution function is a finite sum of powers
    of the cosine of ``atan(t / sqrt(degrees))``.
    """
    angle = math.atan2(abs(t), math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, 1.0 - inside))


def p_text(p: float | None) -> str:
    """``p`` as tables write it."""
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _rounded(value: float) -> float:
    """Six significant digits: enough for any table, and they halve the file."""
    return float(f"{value:.6g}")
