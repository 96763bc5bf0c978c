"""Places along a way, spaced so that equal amounts are seen to change between them.

Along a way through a latent space, little changes for a while, and then everything at once: evenly
spaced places show one picture again and again, and then another. So the way is looked at first,
more closely where it changes much, and then paced out as one does a coastline with dividers.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn.functional import normalize

Look = Callable[[Sequence[float]], Tensor]
"""Places from 0 to 1 to embeddings (B, E) of what is seen there."""

ROUNDS = 6
"""How often a way is looked at again where it still changes too much at once."""

CLOSEST = 1e-4
"""Places nearer to each other than this are not told apart: what jumps, jumps."""

_BISECTIONS = 40


class Track:
    """What was seen of a way so far.

    Args:
        look: looks at places.
        num: places to begin with, evenly spaced, including both ends.
    """

    def __init__(self, look: Look, num: int) -> None:
        self._look = look
        self.at: list[float] = []
        self.seen: npt.NDArray[np.float64] = np.zeros((0, 0))
        self._add(np.linspace(0, 1, num).tolist())

    def length(self) -> float:
        """How much changes from place to place, in total."""
        return float(self._gaps().sum())

    def pace(self, num: int) -> list[float]:
        """``num`` places, 2 or more, from 0 to 1, equally far apart by what is seen."""
        if num < 3 or self.length() < 1e-6:
            return np.linspace(0, 1, num).tolist()
        for _ in range(ROUNDS):
            places, step = self._paced(num)
            if not self._look_closer(step / 2):
                break
        else:
            places, _ = self._paced(num)
        return places

    def _look_closer(self, most: float) -> bool:
        """Look again where more than ``most`` changes between two places; False if nowhere."""
        more: list[float] = []
        for index, gap in enumerate(self._gaps()):
            start, end = self.at[index : index + 2]
            num = min(int(np.ceil(gap / most)), 8, int((end - start) / CLOSEST))
            more += np.linspace(start, end, num + 1)[1:-1].tolist() if num > 1 else []
        if more:
            self._add(more)
        return bool(more)

    def _add(self, places: list[float]) -> None:
        seen = normalize(self._look(places).detach().double().cpu(), dim=1).numpy()
        rows = list(self.seen)
        for place, row in zip(places, seen, strict=True):
            index = bisect.bisect(self.at, place)
            self.at.insert(index, place)
            rows.insert(index, row)
        self.seen = np.stack(rows)

    def _gaps(self) -> npt.NDArray[np.float64]:
        return np.linalg.norm(np.diff(self.seen, axis=0), axis=1)

    def _paced(self, num: int) -> tuple[list[float], float]:
        """``num`` places and the width of the dividers that finds them."""
        low, high = 0.0, 2.0  # unit vectors are no further apart
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            _, steps = self._walk(middle, num)
            low, high = (middle, high) if steps > num - 1 else (low, middle)
        places, _ = self._walk(high, num)
        # The last step may end a little before the end; more than one place there is rare.
        places = places[: num - 1]
        places += np.linspace(places[-1], 1, num - len(places) + 1)[1:-1].tolist()
        return [*places, 1.0], high

    def _walk(self, width: float, num: int) -> tuple[list[float], float]:
        """Places that are ``width`` apart, and how many steps lead to the end: not always a whole
        number; ``num`` if there are more."""
        places, index, here = [0.0], 0, self.seen[0]
        while True:
            ahead = np.linalg.norm(self.seen[index + 1 :] - here, axis=1)
            beyond = np.flatnonzero(ahead >= width)
            if not len(beyond):
                return places, len(places) - 1 + float(ahead[-1]) / width
            if len(places) == num:
                return places, float(num)
            first = int(beyond[0])
            before = float(np.linalg.norm(self.seen[index + first] - here)) if first else 0.0
            share = (width - before) / max(float(ahead[first]) - before, 1e-12)
            start = places[-1] if first == 0 else self.at[index + first]
            past = here if first == 0 else self.seen[index + first]
            places.append(start + share * (self.at[index + first + 1] - start))
            here = past + share * (self.seen[index + first + 1] - past)
            index += first


def shared_out(lengths: Sequence[float], num: int) -> list[int]:
    """``num`` steps for ways of these lengths: in proportion, one for each at least."""
    total = sum(lengths)
    wanted = [num * (x / total if total > 0 else 1 / len(lengths)) for x in lengths]
    steps = [max(1, int(x)) for x in wanted]
    while sum(steps) != num:
        more = sum(steps) < num
        short = [(w - s) for w, s in zip(wanted, steps, strict=True)]
        places = [i for i, s in enumerate(steps) if more or s > 1]
        best = (max if more else min)(places, key=lambda i: short[i])
        steps[best] += 1 if more else -1
    return steps
