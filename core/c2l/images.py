"""Image tensors to pictures, grids of them, and PNG files with a record inside."""

from __future__ import annotations

import glob
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from c2l.errors import BadPicture
from c2l.files import draft_of
from c2l_registry.paths import cannot_write

GAP = 4
"""Pixels between the pictures of a grid."""

MOST_COLUMNS = 8
"""Of a grid, unless more are asked for."""


def to_pil(image: Tensor) -> Image.Image:
    """One image, float (3, H, W) in [-1, 1], as the official scripts round it to 8 bits."""
    pixels = (image.detach().cpu() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


class _Savable(Protocol):
    """A picture that can write itself."""

    def save(self, path: Path) -> object: ...


SomePicture = TypeVar("SomePicture", bound=_Savable)


class Grid:
    """A white page with cells of one size, ``GAP`` apart; ``page`` is the Pillow image.

    Args:
        cell: width and height of a cell.
        columns, rows: how many.
    """

    def __init__(self, cell: tuple[int, int], *, columns: int, rows: int) -> None:
        self._step = cell[0] + GAP, cell[1] + GAP
        self._columns = columns
        size = columns * self._step[0] - GAP, rows * self._step[1] - GAP
        self.page = Image.new("RGB", size, "white")

    def paste(self, image: Image.Image, place: int) -> None:
        """Put a picture of the cell's size into a place, counted row by row from 0."""
        row, column = divmod(place, self._columns)
        self.page.paste(image, (column * self._step[0], row * self._step[1]))


def suggest_columns(per_prompt: int, num: int) -> int:
    """Columns for ``num`` pictures: one row for each prompt with several; at most 8 columns."""
    return min(per_prompt if per_prompt > 1 else num, num, MOST_COLUMNS)


def make_grid(images: Sequence[Image.Image], *, columns: int) -> Image.Image:
    """Pictures of one size side by side on white, row by row; at least one."""
    grid = Grid(images[0].size, columns=columns, rows=-(-len(images) // columns))
    for place, image in enumerate(images):
        grid.paste(image, place)
    return grid.page


def write_png(path: Path, image: Image.Image, record: Mapping[str, Any]) -> None:
    """Write a PNG atomically, with ``record`` inside, as ``record_info`` puts it.

    Raises:
        NotWritable: the folder cannot be written.
    """
    # Waiting for the disk takes longer than drawing; after a power cut a picture is drawn again.
    with draft_of(path, sync=False) as draft:
        image.save(draft, format="PNG", pnginfo=record_info(record))


def record_info(record: Mapping[str, Any]) -> PngInfo:
    """A record as two iTXt chunks, for Pillow to write.

    ``c2l`` holds it as JSON. ``parameters`` holds prompt, seed and settings in the form of
    AUTOMATIC1111's web UI, which many tools show. Saving the PNG again with Pillow drops both.
    """
    info = PngInfo()
    info.add_itxt("c2l", json.dumps(record, ensure_ascii=False))
    if "prompt" in record:
        info.add_itxt("parameters", a1111_parameters(record))
    return info


def write_new_png(
    folder: Path,
    stem: str,
    write: Callable[[Path], object],
    *,
    on_name: Callable[[Path], object] = lambda path: None,
) -> Path:
    """Write ``stem.png`` in a folder, or with a number where that is taken.

    Nothing is overwritten: the name is taken by an empty file first, which another process sees.

    Args:
        write: writes the file.
        on_name: told each name before it is tried.
    Raises:
        NotWritable: the folder cannot be written.
    """
    for number in itertools.count(1):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        if path.exists():
            continue
        on_name(path)
        try:
            path.open("x").close()
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise cannot_write(path, error) from error
    try:
        write(path)
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()
    return path


def free_stem(folder: Path, stem: str) -> str:
    """``stem``, or with a number where a folder has files ``stem-01.png`` and so on."""
    for number in itertools.count(1):
        free = stem if number == 1 else f"{stem}-{number}"
        if not any(folder.glob(f"{glob.escape(free)}-[0-9s]*.png")):
            return free
    raise AssertionError


def write_numbered(
    folder: Path, stem: str, pictures: Iterable[SomePicture], num: int
) -> Iterator[tuple[SomePicture, Path]]:
    """Write pictures as ``stem-01.png``, ``stem-02.png`` and so on.

    Raises:
        NotWritable: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    digits = max(2, len(str(num)))
    for number, picture in enumerate(pictures, start=1):
        yield picture, write_new_png(folder, f"{stem}-{number:0{digits}}", picture.save)


def read_png(path: Path) -> dict[str, Any]:
    """The record that ``write_png`` put into a file, unchecked.

    Raises:
        BadPicture: the file is not a picture, or carries no record.
    """
    return read_png_file(path, str(path))


class NoRecord(BadPicture):
    """A picture that c2l did not write, or that another tool saved again."""


def read_png_file(
    file: Path | BinaryIO, where: str, *, most_pixels: float = math.inf
) -> dict[str, Any]:
    """``read_png`` for a file that is open.

    Args:
        where: what it is called in messages.
        most_pixels: of a picture that is decoded; the record may lie behind them.
    Raises:
        BadPicture: the file is not a picture, or has more pixels.
        NoRecord: it carries no record.
    """
    try:
        with Image.open(file) as image:
            if image.width * image.height > most_pixels:
                raise Image.DecompressionBombError
            text = getattr(image, "text", {})
            record = json.loads(text["c2l"])
        if not isinstance(record, dict):
            raise TypeError("the record is not an object")
    except FileNotFoundError:
        raise BadPicture(f"there is no file {where}", hint="Check the path") from None
    except Image.DecompressionBombError as error:
        raise BadPicture(f"{where} is too large", hint="Give a PNG that c2l wrote") from error
    except OSError as error:
        # Pillow's own errors bring no number, those of the system do.
        reason = f"cannot read {where}: {error.strerror}" if error.errno else ""
        raise BadPicture(
            reason or f"{where} is not a picture", hint="Give a PNG that c2l wrote"
        ) from error
    except SyntaxError as error:
        raise BadPicture(f"{where} is not a picture", hint="Give a PNG that c2l wrote") from error
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise NoRecord(
            f"{where} carries no c2l record",
            hint="Give a PNG that c2l wrote, and no other tool saved again; to edit any other "
            "picture, find its latents first: `c2l edit invert`",
        ) from None
    return record


def a1111_parameters(record: Mapping[str, Any]) -> str:
    """``a man`` and a line of ``Seed: 1, guidance: 2.0``."""
    prompt = record["prompt"]
    shown = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)
    plain = (str, int, float)
    used = {
        name: value
        for name, value in record.items()
        if name not in ("prompt", "seed", "schema") and isinstance(value, plain)
    }
    line = ", ".join(
        f"{name}: {value}" for name, value in {"Seed": record.get("seed"), **used}.items()
    )
    return f"{shown}\n{line}"
