"""Pictures that were sent: the bytes of a file, in base64."""

from __future__ import annotations

import base64
import io
import re
import warnings
from typing import Any

from PIL import Image

from c2l.errors import BadInput, BadPicture
from c2l.photos import Photo, read_photo_data
from c2l.sampling.record import read_record_data

MOST_PIXELS = 50_000_000
"""Of a picture that is sent: several at a time have to fit into memory."""

_DATA_URL = re.compile(r"\s*data:[\w.+/;=-]{0,100};base64,")


def bytes_of(text: str, *, field: str) -> bytes:
    """What base64 stands for, with a prefix as in ``data:image/png;base64,`` or without.

    Raises:
        BadInput: it is not base64.
    """
    prefix = _DATA_URL.match(text)
    try:
        return base64.b64decode(text[prefix.end() if prefix else 0 :].strip(), validate=True)
    except ValueError:
        raise BadInput(
            f"`{field}` is not base64", hint="Encode the bytes of the file", field=field
        ) from None


def sent_photo(data: bytes, *, field: str = "photo") -> Photo:
    """A picture of any origin. Raises ``BadPicture``."""
    return read_photo_data(data, f"`{field}`", field=field, most_pixels=MOST_PIXELS)


def record_in(png: bytes, *, field: str = "png") -> dict[str, Any]:
    """The record in a PNG that c2l wrote, in the present schema.

    Raises:
        BadPicture: it is no picture, or has no record.
    """
    where = f"`{field}`"
    try:
        _refuse_large(png, where)
        return read_record_data(png, where)
    except BadPicture as error:
        raise BadPicture(error.message, hint=error.hint, field=field) from error


def _refuse_large(png: bytes, where: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
                width, height = image.size
        except Image.DecompressionBombError:
            raise BadPicture(f"{where} is too large", hint="Make it smaller") from None
        except (OSError, SyntaxError, ValueError):
            raise BadPicture(f"{where} is not a PNG", hint="Give one that c2l wrote") from None
    if width * height > MOST_PIXELS:
        raise BadPicture(f"{where} is too large: {width} x {height} px", hint="Make it smaller")
