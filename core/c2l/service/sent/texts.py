"""The texts in picture files that were sent."""

from __future__ import annotations

import io
import warnings

from PIL import Image

from c2l.errors import BadPicture

_FORMATS = ("PNG", "JPEG", "WEBP")


def picture_texts(data: bytes, *, field: str) -> dict[str, str]:
    """The texts in a picture file, by name; none where it has none. Its pixels are not read.

    Raises:
        BadPicture: it is no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                found = image.info.items()
                return {str(name): text for name, text in found if isinstance(text, str)}
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise BadPicture(
            f"`{field}` is not a picture", hint="Give a PNG, JPEG or WebP", field=field
        ) from None
