"""Small line charts as inline SVG, with error bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 46
COLOURS = 6
_APART = 5


@dataclass(frozen=True)
class Point:
    """A value with one standard error, or without."""

    x: float
    y: float
    error: float | None = None


def chart(
    title: str, x_title: str, lines: Mapping[str, Sequence[Point]], *, doubling: bool = False
) -> str:
    """Draw lines over one axis.

    Args:
        lines: points by the line's name; a single line has no key.
        doubling: whether the x axis is logarithmic, to base 2.
    """
    points = [p for line in lines.values() for p in line]
    across = _Scale([_x(p.x, doubling) for p in points], _LEFT, WIDTH - _RIGHT)
    up = _Scale(
        [p.y + sign * (p.error or 0) for p in points for sign in (-1, 1)],
        HEIGHT - _BOTTOM,
        _TOP,
    )
    out = []
    for tick in up.ticks():
        y = up(tick)
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        out.append(f'<text x="{_LEFT - 7}" y="{y + 4.5:.1f}" text-anchor="end">{tick:g}</text>')
    floor = HEIGHT - _BOTTOM
    out.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>')
    for value in sorted({p.x for p in points}):
        x = across(_x(value, doubling))
        out.append(f'<text x="{x}" y="{floor + 19}" text-anchor="middle">{value:g}</text>')
    out.append(
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(x_title)}</text>"
    )
    for index, line in enumerate(lines.values()):
        colour = f"var(--c{index % COLOURS})"
        # Side by side, so that error bars of the same x do not cover each other.
        shift = _APART * (index - (len(lines) - 1) / 2)
        places = [
            (round(across(_x(p.x, doubling)) + shift, 1), p)
            for p in sorted(line, key=lambda p: p.x)
        ]
        path = " ".join(f"{x},{up(p.y)}" for x, p in places)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, p in places:
            if p.error:
                low, high = up(p.y - p.error), up(p.y + p.error)
                out.append(
                    f'<line x1="{x}" x2="{x}" y1="{low}" y2="{high}" stroke="{colour}" '
                    'stroke-width="1.2" opacity="0.65"/>'
                )
            about = f"{p.y:.4g}" + (f" ± {p.error:.2g}" if p.error else "")
            out.append(
                f'<circle cx="{x}" cy="{up(p.y)}" r="3.4" fill="{colour}">'
                f"<title>{escape(x_title)} {p.x:g}: {about}</title></circle>"
            )
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">'
        + "".join(out)
        + "</svg>"
    )
    key = "".join(
        f'<span><i style="background:var(--c{i % COLOURS})"></i>{escape(name)}</span>'
        for i, name in enumerate(lines)
    )
    key = f'<div class="key">{key}</div>' if len(lines) > 1 else ""
    return f'<figure class="panel"><figcaption>{escape(title)}</figcaption>{svg}{key}</figure>'


class _Scale:
    """Values to pixels, with round ticks."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        if high - low < 1e-9:
            low, high = low - max(abs(low), 1) * 0.05, high + max(abs(high), 1) * 0.05
        margin = (high - low) * 0.07
        self.low, self.high = low - margin, high + margin
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Four or five round values within the range."""
        rough = (self.high - self.low) / 4
        unit = 10 ** math.floor(math.log10(rough))
        step = min((s * unit for s in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - rough))
        first = math.ceil(self.low / step)
        return [round(k * step, 10) for k in range(first, math.floor(self.high / step) + 1)]


def _x(value: float, doubling: bool) -> float:
    return math.log2(value) if doubling else value
