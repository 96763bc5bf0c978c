"""Pictures that were sent: the bytes of a file, in base64."""

from __future__ import annotations

import base64
import re
from typing import Any

from c2l.errors import BadInput, BadPicture
from c2l.sampling.record import find_record

MOST_PIXELS = 40_000_000
"""Of a PNG whose record is read: it may lie behind the pixels, which are decoded then."""

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


def record_in(png: bytes, *, field: str = "png") -> dict[str, Any]:
    """The record in a PNG that c2l wrote, in the present schema.

    Raises:
        BadPicture: it is no picture, or has no record.
    """
    try:
        record = find_record(png, f"`{field}`", most_pixels=MOST_PIXELS)
    except BadPicture as error:
        raise BadPicture(error.message, hint=error.hint, field=field) from error
    if record is None:
        raise BadPicture(
            f"`{field}` carries no c2l record",
            hint="Send a PNG that c2l wrote, and no other tool saved again",
            field=field,
        )
    return record
