"""Overviews of many pictures: pages of a grid, filled while the pictures are drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from c2l.images import GAP, Grid, suggest_columns

MOST_ROWS = 8
LONGEST_SIDE = 4096
"""Of a page, in pixels; larger pictures are shown smaller."""


class GridPages:
    """PNG pages of up to 8 x 8 pictures; one page is held in memory at a time.

    Args:
        save: writes a page and says where: number 0 where there is only one, else counted from 1.
        per_prompt: pictures of each prompt.
        num: pictures in all.
    """

    def __init__(self, save: Callable[[int, Image.Image], Path], per_prompt: int, num: int) -> None:
        self._save = save
        self._columns = suggest_columns(per_prompt, num)
        self._per_page = self._columns * MOST_ROWS
        self._num = num
        self._page: Grid | None = None
        self._cell = (0, 0)
        self.paths: list[Path] = []

    def add(self, index: int, picture: Image.Image) -> None:
        """Put picture ``index`` in its place. Call it for 0, 1, 2 and so on, in order."""
        place = index % self._per_page
        if place == 0 or self._page is None:
            self._begin(index // self._per_page, picture.size)
        assert self._page is not None
        if picture.size != self._cell:
            picture = picture.resize(self._cell, Image.Resampling.LANCZOS)
        self._page.paste(picture, place)
        if place == self._per_page - 1 or index == self._num - 1:
            self._write(index // self._per_page)

    def _begin(self, number: int, size: tuple[int, int]) -> None:
        num = min(self._per_page, self._num - number * self._per_page)
        rows = -(-num // self._columns)
        scale = min(
            1.0,
            (LONGEST_SIDE / self._columns - GAP) / size[0],
            (LONGEST_SIDE / rows - GAP) / size[1],
        )
        self._cell = max(1, int(size[0] * scale)), max(1, int(size[1] * scale))
        self._page = Grid(self._cell, columns=self._columns, rows=rows)

    def _write(self, number: int) -> None:
        assert self._page is not None
        several = self._num > self._per_page
        self.paths.append(self._save(number + 1 if several else 0, self._page.page))
        self._page = None
