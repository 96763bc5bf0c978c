"""Files that clients send, read so that none can do harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from starlette.datastructures import UploadFile

from c2l import service
from c2l.service import Photo

T = TypeVar("T")

MOST_PIXELS = 40_000_000
"""Of a picture that a client sends: as much as good cameras give, 160 MB while it is read."""

_reader = ThreadPoolExecutor(1, "c2l-reader")
_one_by_one = Lock()  # memory for one large picture, not for as many as there are clients


async def photo_of(upload: UploadFile | bytes, *, field: str = "image") -> Photo:
    """A picture that was uploaded: a file of a form, or bytes.

    Raises:
        BadPicture: it is no picture, is damaged, or is too large.
    """
    return await _read(read_photo, await _content(upload), field)


async def record_of(upload: UploadFile | bytes, *, field: str = "image") -> dict[str, Any] | None:
    """The record in a picture that was uploaded; None if it has none.

    Raises:
        BadPicture: it is no picture, or one of a newer version of c2l.
    """
    return await _read(_read_record, await _content(upload), field)


async def _read(read: Callable[[bytes, str], T], data: bytes, field: str) -> T:
    """In the reader's own thread: those of the loop are for answers, and would all wait here."""
    return await asyncio.get_running_loop().run_in_executor(_reader, read, data, field)


async def _content(upload: UploadFile | bytes) -> bytes:
    return upload if isinstance(upload, bytes) else await upload.read()


def read_photo(data: bytes, field: str = "image") -> Photo:
    """A picture of any origin; for threads. Raises ``BadPicture``."""
    with _one_by_one:
        return service.read_photo_data(data, f"`{field}`", field=field, most_pixels=MOST_PIXELS)


def _read_record(data: bytes, field: str) -> dict[str, Any] | None:
    with _one_by_one:
        return service.find_record(data, f"`{field}`", most_pixels=MOST_PIXELS)
