"""Image tensors to pictures, grids of them, and PNG files with a record inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from c2l.errors import BadPicture
from c2l.files import draft_of


def to_pil(image: Tensor) -> Image.Image:
    """One image, float (3, H, W) in [-1, 1], as the official scripts round it to 8 bits."""
    pixels = (image.detach().cpu() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


def make_grid(images: Sequence[Image.Image], *, columns: int, gap: int = 4) -> Image.Image:
    """Pictures of one size side by side on white, row by row."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    grid = Image.new("RGB", size, "white")
    for i, image in enumerate(images):
        grid.paste(image, (i % columns * (width + gap), i // columns * (height + gap)))
    return grid


def write_png(path: Path, image: Image.Image, record: Mapping[str, Any]) -> None:
    """Write a PNG atomically, with ``record`` in two iTXt chunks.

    ``c2l`` holds it as JSON; ``parameters`` holds one line in the form that other tools show.
    Re-saving a PNG with Pillow drops both.

    Raises:
        NotWritable: the folder cannot be written.
    """
    info = PngInfo()
    info.add_itxt("c2l", json.dumps(record, ensure_ascii=False))
    if "prompt" in record:
        info.add_itxt("parameters", _parameters(record))
    with draft_of(path) as draft:
        image.save(draft, format="PNG", pnginfo=info)


def read_png(path: Path) -> dict[str, Any]:
    """The record that ``write_png`` put into a file, as it stands there.

    Raises:
        BadPicture: the file is not a picture, or carries no record.
    """
    try:
        with Image.open(path) as image:
            text = getattr(image, "text", {})
            record = json.loads(text["c2l"])
        if not isinstance(record, dict):
            raise TypeError("the record is not an object")
    except FileNotFoundError:
        raise BadPicture(f"there is no file {path}", hint="Check the path") from None
    except Image.DecompressionBombError as error:
        raise BadPicture(f"{path} is too large", hint="Give a PNG that c2l wrote") from error
    except OSError as error:
        # Pillow's own errors bring no number, those of the system do.
        reason = f"cannot read {path}: {error.strerror}" if error.errno else ""
        raise BadPicture(
            reason or f"{path} is not a picture", hint="Give a PNG that c2l wrote"
        ) from error
    except SyntaxError as error:
        raise BadPicture(f"{path} is not a picture", hint="Give a PNG that c2l wrote") from error
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise BadPicture(
            f"{path} carries no c2l record",
            hint="Give a PNG that 'c2l sample' wrote; saving it again with another tool drops them",
        ) from None
    return record


def _parameters(record: Mapping[str, Any]) -> str:
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
