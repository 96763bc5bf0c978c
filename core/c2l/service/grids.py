"""Overviews of many pictures: pages of a grid, filled while the pictures are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from c2l.images import GAP, Grid, suggest_columns, write_png

MOST_ROWS = 8
LONGEST_SIDE = 4096
"""Of a page, in pixels; larger pictures are shown smaller."""


class GridPages:
    """PNG pages of up to 8 x 8 pictures; one page is held in memory at a time.

    Args:
        path_of: called with the number of a page, from 1, or 0 for an only page; returns a free
            path.
        per_prompt: pictures of each prompt.
        num: pictures in all.
        record: goes into each page's PNG.
    """

    def __init__(
        self, path_of: Callable[[int], Path], per_prompt: int, num: int, record: Mapping[str, Any]
    ) -> None:
        self._path_of = path_of
        self._columns = suggest_columns(per_prompt, num)
        self._per_page = self._columns * MOST_ROWS
        self._num = num
        self._record = record
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
        path = self._path_of(number + 1 if several else 0)
        write_png(path, self._page.page, self._record)
        self.paths.append(path)
        self._page = None
