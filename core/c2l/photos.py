"""Picture files of any origin, read safely, and fitted to a generator."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from torch import Tensor

from c2l.errors import BadInput, BadPicture
from c2l.images import to_pil
from c2l_registry.wording import a_type_of

Fit = Literal["crop", "pad"]
"""How a picture gets another shape: its middle fills it, or all of it lies within."""

MOST_BYTES = 256 << 20
MOST_PIXELS = 120_000_000
"""Of a file. The largest cameras stay below; bombs do not."""

MOST_SIDE = 4096
"""Of a picture in memory; larger ones are made smaller as they are read."""

_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "TGA")
"""What Pillow may try. Some of its other readers start programs."""

_OTHERS = (
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an XML text"),
    (b"<!DOC", "a web page"),
    (b"<html", "a web page"),
    (b"\x1f\x8b", "a gzip archive"),
)
_HEIF = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")


class Fitted(NamedTuple):
    """A picture in the shape of a generator's.

    Args:
        pixels: float32, (1, 3, H, W), in [-1, 1].
        top, bottom, left, right: the part of it that shows the picture; the rest is its mean.
    """

    pixels: Tensor
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture that no record describes.

    Args:
        image: RGB, upright, without transparency.
        sha256: of the file; of the pixels where there is none.
        name: of the file, or empty.
    """

    image: Image.Image
    sha256: str
    name: str = ""

    def fitted(self, size: tuple[int, int], fit: Fit = "crop") -> Fitted:
        """In another height and width; nothing is recognised, the middle stays the middle.

        Raises:
            BadInput: neither crop nor pad.
        """
        height, width = size
        if fit == "crop":
            image = ImageOps.fit(self.image, (width, height), Image.Resampling.LANCZOS)
            return Fitted(_tensor(image), 0, height, 0, width)
        if fit != "pad":
            raise BadInput(
                f"`fit={fit}` is not one of {', '.join(get_args(Fit))}", hint="Use `fit=crop`",
                field="fit",
            )  # fmt: skip
        inner = ImageOps.contain(self.image, (width, height), Image.Resampling.LANCZOS)
        pixels = _tensor(inner)
        top, left = (height - inner.height) // 2, (width - inner.width) // 2
        bottom, right = top + inner.height, left + inner.width
        whole = pixels.mean(dim=(2, 3), keepdim=True).repeat(1, 1, height, width)
        whole[:, :, top:bottom, left:right] = pixels
        return Fitted(whole, top, bottom, left, right)


def photo_of(thing: Photo | Path | str | Image.Image | Tensor, *, field: str = "image") -> Photo:
    """A picture: a path, a Pillow image, or a tensor (3, H, W) or (1, 3, H, W) in [-1, 1].

    Raises:
        BadPicture: the file cannot be read as a picture.
        BadInput: it is none of these.
    """
    if isinstance(thing, Photo):
        return thing
    if isinstance(thing, (str, Path)):
        return read_photo(Path(thing).expanduser(), field=field)
    if isinstance(thing, Image.Image):
        image = _plain(thing, "the picture")
    elif isinstance(thing, Tensor) and tuple(thing.shape[-3:-2]) == (3,) and thing.ndim <= 4:
        if thing.ndim == 4 and len(thing) != 1:
            raise BadInput(f"{len(thing)} pictures are given, not one", hint="Give one by one",
                           field=field)  # fmt: skip
        if not torch.isfinite(thing).all():
            raise BadInput("the picture holds NaN or infinity", field=field)
        image = to_pil(thing.reshape(thing.shape[-3:]).float())
    else:
        raise BadInput(
            f"{a_type_of(thing)} is not a picture",
            hint="Give a path, a Pillow image, or a tensor (3, H, W)",
            field=field,
        )
    return Photo(image, hashlib.sha256(image.tobytes()).hexdigest())


def read_photo(path: Path, *, field: str = "image") -> Photo:
    """Read a picture file: upright as its camera says, on white where it is transparent.

    Of an animation it is the first frame; 16 bits become 8; colours become sRGB.

    Raises:
        BadPicture: it is missing, is no picture, is damaged, or is larger than any camera's.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise BadPicture(f"there is no file {path}", hint="Check the path", field=field) from None
    except OSError as error:
        raise BadPicture(
            f"cannot read {path}: {error.strerror or error}", hint="Check the path", field=field
        ) from error
    photo = read_photo_data(data, str(path), field=field)
    return replace(photo, name=path.name)


def read_photo_data(
    data: bytes, where: str, *, field: str = "image", most_pixels: int = MOST_PIXELS
) -> Photo:
    """``read_photo`` for the content of a file.

    Args:
        where: what it is called in messages.
        most_pixels: of a picture that is decoded at all.
    Raises:
        BadPicture: it is no picture, is damaged, or has more pixels.
    """
    if len(data) > MOST_BYTES:
        raise _too_large(where, f"more than {MOST_BYTES >> 20} MB", field)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata, and sizes that are checked here
            with Image.open(io.BytesIO(data), formats=_known_formats()) as image:
                width, height = image.size
                if width * height > most_pixels:
                    raise _too_large(where, f"{width} x {height} px", field)
                image.draft("RGB", (MOST_SIDE, MOST_SIDE))  # a JPEG can be read smaller
                image.load()
                plain = _plain(image, where)
    except UnidentifiedImageError:
        raise BadPicture(
            f"{where} is not a picture{_instead(data)}",
            hint="Give a PNG, JPEG or WebP",
            field=field,
        ) from None
    except (BadPicture, BadInput):
        raise
    except Image.DecompressionBombError:
        raise _too_large(where, "too many pixels", field) from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError,
            ArithmeticError, MemoryError, NotImplementedError) as error:  # fmt: skip
        # Readers of damaged files fail in all these ways.
        reason = " ".join(str(error).split())[:100]
        raise BadPicture(
            f"{where} is a damaged picture: {reason}", hint="Save it again as a PNG", field=field
        ) from error
    return Photo(plain, hashlib.sha256(data).hexdigest())


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _too_large(where: str, how: str, field: str) -> BadPicture:
    return BadPicture(f"{where} is too large: {how}", hint="Make it smaller", field=field)


def _instead(data: bytes) -> str:
    """What a file is that is no picture, if that is easily seen."""
    if not data:
        return ": it is empty"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF:
        return ", but HEIC, which Pillow does not read"
    start = data[:256].lstrip()
    found = next((name for magic, name in _OTHERS if start.startswith(magic)), "")
    return f", but {found}" if found else ""


def _plain(image: Image.Image, where: str) -> Image.Image:
    """Upright RGB of at most ``MOST_SIDE``, in sRGB, on white."""
    if not image.width or not image.height:
        raise BadPicture(f"{where} has no pixels", field="image")
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
    if upright.mode in ("I;16", "I;16L", "I;16B", "I", "F"):
        upright = _eight_bits(upright, where)
    if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        return upright.convert("RGB")
    if profile and upright.mode in ("RGB", "CMYK"):
        return _in_srgb(upright, profile)
    return upright.convert("RGB")


def _eight_bits(image: Image.Image, where: str) -> Image.Image:
    """Whole numbers of 16 bits, or numbers from 0 to 1 or 255, as bytes."""
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise BadPicture(f"{where} holds NaN or infinity", hint="Save it as a PNG", field="image")
    most = values.max(initial=0.0)
    if image.mode == "F":
        scale = 1.0 if most <= 1 else 255.0
    else:
        scale = 65535.0 if most > 255 or image.mode != "I" else 255.0
    return Image.fromarray((values / scale * 255).clip(0, 255).round().astype(np.uint8))


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None  # a profile that is broken, or of another kind of picture
    return converted if converted is not None else image.convert("RGB")


def _tensor(image: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
    return pixels[None].float() / 127.5 - 1
