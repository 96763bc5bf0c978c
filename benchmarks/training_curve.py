"""The curve of a training run, as SVG, from the log that `c2l train` leaves beside its output.

    python benchmarks/training_curve.py faces.log.jsonl > docs/pictures/training.svg

Above: the training loss and the loss on pairs left aside. Below: how near pictures come to prompts
they were drawn for, between random pictures and the nearest stored ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

WIDTH, PANEL, GAP = 720, 210, 46
LEFT, RIGHT, TOP = 60, 150, 26
COLOURS = {
    "loss": "#9aa7b5",
    "held_out_loss": "#1f5fa8",
    "prompts_cosine": "#1f5fa8",
    "prompts_cosine_neighbours": "#b3541e",
    "prompts_cosine_random": "#6b7280",
}
NAMES = {
    "loss": "training loss",
    "held_out_loss": "held-out loss",
    "prompts_cosine": "prompts",
    "prompts_cosine_neighbours": "nearest stored",
    "prompts_cosine_random": "random",
}
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """A rectangle of the picture with its own vertical axis."""

    top: float
    steps: float
    low: float
    high: float

    def place(self, step: float, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps
        return f"{x:.1f},{self.height(value):.1f}"

    def height(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return self.top + PANEL * (1 - share)

    def draw(self, title: str, lines: dict[str, Points]) -> Iterator[str]:
        yield f'<text x="{LEFT}" y="{self.top - 10}" class="title">{escape(title)}</text>'
        for i in range(5):
            value = self.low + (self.high - self.low) * i / 4
            y = self.height(value)
            yield f'<path d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}" class="grid"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        labels: list[float] = []
        for name, points in sorted(lines.items(), key=lambda line: -line[1][-1][1]):
            path = " ".join(self.place(*point) for point in points)
            yield f'<polyline points="{path}" stroke="{COLOURS[name]}"/>'
            y = self.height(points[-1][1]) + 4
            while any(abs(y - other) < 15 for other in labels):
                y += 5
            labels.append(y)
            text = f"{NAMES[name]} {points[-1][1]:.3f}"
            yield f'<text x="{WIDTH - RIGHT + 8}" y="{y:.1f}" fill="{COLOURS[name]}">{text}</text>'


def curve(rows: Sequence[dict[str, Any]]) -> str:
    """The SVG of the rows of a log."""
    steps = max(row.get("step", 0) for row in rows)

    def line(name: str) -> Points:
        return [(row["step"], row[name]) for row in rows if "step" in row and name in row]

    losses = {name: line(name) for name in ("loss", "held_out_loss") if line(name)}
    cosines = {"prompts_cosine": line("prompts_cosine")} if line("prompts_cosine") else {}
    scores = next((row["scores"] for row in rows if "scores" in row), {})
    for name in ("prompts_cosine_neighbours", "prompts_cosine_random"):
        if cosines and name in scores:
            cosines[name] = [(0, scores[name]), (steps, scores[name])]

    parts, top = [], TOP
    for title, lines in (("loss", losses), ("cosine of prompt and picture", cosines)):
        if lines:
            values = [value for points in lines.values() for _, value in points]
            parts += Panel(top, steps, min(values), max(values)).draw(title, lines)
            top += PANEL + GAP
    seconds = max(row.get("seconds", 0) for row in rows)
    caption = f"{steps:,} steps in {seconds / 60:.1f} minutes"
    parts.append(f'<text x="{LEFT}" y="{top - 20}">{caption}</text>')
    style = (
        "text{font:13px system-ui,sans-serif}"
        ".title{font-weight:600}.grid{stroke:#e5e7eb}polyline{fill:none;stroke-width:2}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" '
        f'aria-label="training curve"><style>{style}</style>'
        f'<rect width="{WIDTH}" height="{top}" fill="white"/>{"".join(parts)}</svg>\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path, help="OUT.log.jsonl")
    lines = parser.parse_args().log.read_text(encoding="utf-8").splitlines()
    sys.stdout.write(curve([json.loads(line) for line in lines]))


if __name__ == "__main__":
    main()
