"""Digits in words, and the scans as a corpus: each with captions that say some of what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from worlds.digits_scans import NUM_HELD_OUT, Scans

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BEFORE: Mapping[str, tuple[str, ...]] = {
    "stroke": ("thin", "", "bold"),
    "shape": ("narrow", "", "wide"),
}
AFTER = ("leaning left", "", "leaning right")
FRAMES = ("{}", "a {}", "a photo of a {}", "a scan of a {}", "a handwritten {}", "the digit {}")

_TEXTS = (*FRAMES, *DIGITS, *AFTER, *(word for words in BEFORE.values() for word in words))


class DigitsCorpus:
    """The scans, the last of them held out."""

    words: Sequence[str] = sorted({word for text in _TEXTS for word in text.split()} - {"{}"})

    def __init__(self, scans: Scans) -> None:
        self.scans = scans
        self.num = len(scans.images) - NUM_HELD_OUT

    def images(self, rows: Tensor) -> Tensor:
        return (2 * self.scans.images[rows] - 1).expand(-1, 3, -1, -1)

    def caption(self, row: int, rng: torch.Generator) -> str:
        facts = {name: int(values[row]) for name, values in self.scans.facts.items()}
        frame = FRAMES[int(torch.randint(len(FRAMES), (), generator=rng))]
        return caption(some_facts(facts, rng), frame)


def caption(facts: Mapping[str, int], frame: str) -> str:
    """``a photo of a bold seven leaning left``: the facts that are given, in words."""
    words = [BEFORE[name][facts[name]] for name in BEFORE if name in facts]
    words.append(DIGITS[facts["digit"]])
    words.append(AFTER[facts["slant"]] if "slant" in facts else "")
    return " ".join(frame.format(" ".join(words)).split())


def some_facts(facts: Mapping[str, int], rng: torch.Generator) -> dict[str, int]:
    """The digit, and each other fact half of the time."""
    return {
        name: value
        for name, value in facts.items()
        if name == "digit" or float(torch.rand((), generator=rng)) < 0.5
    }
