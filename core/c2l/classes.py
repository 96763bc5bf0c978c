"""The classes of a class-conditional network: how many, their names, how often each was drawn.

Imports no torch, so that lists of names can be shown at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2l.errors import BadInput

_LABELS = 0x636C_6173_7365_7321
"""Keeps the random numbers of labels apart from any that a picture is drawn with."""

_SHOWN = 3
"""Near names in a hint."""

_LISTS = Path(__file__).with_name("class_names")


@dataclass(frozen=True)
class Classes:
    """The classes that a generator tells apart, numbered from 0.

    Args:
        num: how many there are.
        names: of each, in their order; empty where nobody named them.
        shares: how often training drew each, in any unit; empty if all equally often.
    Raises:
        BadInput: there is no class, or names or shares are not as many.
    """

    num: int
    names: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.num < 1:
            raise BadInput(f"a network cannot have {self.num} classes", field="classes")
        for what, given in (("names", self.names), ("shares", self.shares)):
            if given and len(given) != self.num:
                raise BadInput(f"{self.num} classes have {len(given)} {what}", field="classes")
        if twice := [name for name in set(self.names) if self.names.count(name) > 1]:
            raise BadInput(f"several classes are called {min(twice)!r}", field="classes")
        if self.shares and not (min(self.shares) >= 0 and 0 < sum(self.shares) < float("inf")):
            raise BadInput("shares of classes are numbers from 0, not all 0", field="classes")

    def named(self, names: Sequence[str]) -> Classes:
        """The same classes with these names."""
        return dataclasses.replace(self, names=tuple(names))

    def name(self, number: int) -> str:
        """What a class is called: its name, or else its number."""
        return self.names[number] if self.names else str(number)

    def number(self, given: int | str) -> int:
        """The number of a class that is given by number or by name.

        Case does not matter, and ``_`` and ``-`` are as good as spaces.

        Raises:
            BadInput: there is no such class; the hint names near ones.
        """
        folded = [_folded(name) for name in self.names]
        if isinstance(given, str) and _folded(given) in folded:
            return folded.index(_folded(given))
        if isinstance(given, str) and not re.fullmatch(r"-?\d+", given.strip()):
            raise self._unknown(given, folded)
        number = int(given)
        if not 0 <= number < self.num:
            raise BadInput(
                f"there is no class {number}",
                hint=f"Classes are numbered from 0 to {self.num - 1}",
                field="class_label",
            )
        return number

    def numbers(self, given: Sequence[int | str]) -> tuple[int, ...]:
        """The numbers of several classes, sorted, each once; ``151-268`` is all from 151 to 268.

        Raises:
            BadInput: one of them does not exist.
        """
        found: set[int] = set()
        for item in given:
            text = str(item)
            ends = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", text)
            if ends is None or _folded(text) in map(_folded, self.names):
                found.add(self.number(item))
                continue
            first, last = (self.number(int(end)) for end in ends.groups())
            if last < first:
                raise BadInput(
                    f"the classes {text.strip()} end before they start",
                    hint=f"Write {last}-{first}",
                    field="class_label",
                )
            found.update(range(first, last + 1))
        return tuple(sorted(found))

    def draw(self, seeds: Sequence[int], among: Sequence[int] = ()) -> list[int]:
        """A class for each seed, as training drew them; each depends on its seed alone.

        Args:
            among: these only; empty for all.
        Raises:
            BadInput: training never drew any of those.
        """
        numbers = list(among) or list(range(self.num))
        shares = np.array(self.shares or [1.0] * self.num)[numbers]
        if not shares.sum() > 0:
            raise BadInput(
                "the network was not trained on these classes",
                hint="Choose others",
                field="class_label",
            )
        limits = (shares / shares.sum()).cumsum()
        places = np.searchsorted(limits, _uniform(seeds), side="right")
        chosen: list[int] = np.array(numbers)[places.clip(max=len(numbers) - 1)].tolist()
        return chosen

    def _unknown(self, given: str, folded: Sequence[str]) -> BadInput:
        if not self.names:
            return BadInput(
                f"the classes have no names, so none is called {given!r}",
                hint=f"Give a number from 0 to {self.num - 1}",
                field="class_label",
            )
        asked = _folded(given)
        alike = [name for name in folded if set(asked.split()) & set(name.split())]
        near = dict.fromkeys([*difflib.get_close_matches(asked, folded, _SHOWN), *alike])
        names = [repr(self.names[folded.index(name)]) for name in list(near)[:_SHOWN]]
        return BadInput(
            f"no class is called {given!r}",
            hint=f"Did you mean {' or '.join(names)}?"
            if names
            else f"Names are like {self.names[0]!r}; or give a number from 0 to {self.num - 1}",
            field="class_label",
        )


def names_beside(weights: Path) -> Path:
    """Where the names of the classes of a user's own network would be: ``net.classes.txt``."""
    return weights.with_name(f"{weights.stem}.classes.txt")


def known_names(list_name: str) -> tuple[str, ...]:
    """The names of a well-known data set's classes, in its own order: see ``known_lists``.

    Raises:
        BadInput: there is no such list.
    """
    if list_name not in known_lists():
        raise BadInput(
            f"there is no list of classes called {list_name!r}",
            hint=f"There are {', '.join(known_lists())}",
            field="classes",
        )
    return read_names(_LISTS / f"{list_name}.txt")


def known_lists() -> tuple[str, ...]:
    """Data sets whose classes have names here."""
    return tuple(sorted(path.stem for path in _LISTS.glob("*.txt")))


def read_names(path: Path) -> tuple[str, ...]:
    """The names in a text file, one in each line.

    Raises:
        BadInput: it cannot be read, or a line is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the names of classes in {path} cannot be read: {error}") from error
    names = tuple(line.strip() for line in lines)
    if not names or not all(names):
        raise BadInput(
            f"{path} has an empty line {names.index('') + 1 if names else 1}",
            hint="Write one name in each line, that of class 0 first",
        )
    return names


def _folded(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.strip().casefold()))


def _uniform(seeds: Sequence[int]) -> NDArray[np.float64]:
    """A number from 0 to 1 for each seed, used for drawing labels only."""
    wrong = next((seed for seed in seeds if not 0 <= seed < 2**64), None)
    if wrong is not None:
        raise BadInput(
            f"{wrong} is not a seed",
            hint="Seeds are whole numbers from 0 to 2**64 - 1",
            field="seeds",
        )
    # SplitMix64's mixing (Steele, Lea & Flood 2014), twice, of millions of seeds at once.
    mixed = np.array(seeds, dtype=np.uint64) ^ np.uint64(_LABELS)
    for _ in range(2):
        mixed += np.uint64(0x9E37_79B9_7F4A_7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed / 2.0**64
