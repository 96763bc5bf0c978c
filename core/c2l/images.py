"""Image tensors to files: PNG with its settings inside, and grids."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from c2l.errors import BadPicture, NotWritable

SCHEMA = "c2l/1"


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

    ``c2l`` holds it as JSON under the schema ``c2l/1``; ``parameters`` holds one line in the form
    that other tools show. Re-saving a PNG with Pillow drops both.

    Raises:
        NotWritable: the folder cannot be written.
    """
    info = PngInfo()
    info.add_itxt("c2l", json.dumps({"schema": SCHEMA, **record}, ensure_ascii=False))
    if "prompt" in record:
        used = {"Seed": record.get("seed"), **record.get("settings", {})}
        line = ", ".join(f"{key}: {value}" for key, value in used.items())
        info.add_itxt("parameters", f"{record['prompt']}\n{line}")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        image.save(partial, format="PNG", pnginfo=info)
        os.replace(partial, path)
    except OSError as error:
        raise NotWritable(
            f"cannot write {path}: {error.strerror or error}", hint="Choose another --out"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def read_png(path: Path) -> dict[str, Any]:
    """The record that ``write_png`` put into a file.

    Raises:
        BadPicture: the file is no picture, or carries no settings.
    """
    try:
        with Image.open(path) as image:
            text = getattr(image, "text", {})
            record = json.loads(text["c2l"])
        if record.pop("schema") != SCHEMA:
            raise KeyError("schema")
    except FileNotFoundError:
        raise BadPicture(f"there is no file {path}", hint="Check the path") from None
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise BadPicture(f"{path} is not a picture", hint="Give a PNG that c2l wrote") from error
    except (KeyError, ValueError, TypeError, AttributeError):
        raise BadPicture(
            f"{path} carries no c2l settings",
            hint="Give a PNG that 'c2l sample' wrote; saving it again with another tool drops them",
        ) from None
    return dict(record)
