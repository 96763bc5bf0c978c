"""A file that can still be finished when the disk is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

_FULL = (errno.ENOSPC, errno.EDQUOT)


class RoomyFile:
    """A new file, and room beside it that is given up once the disk is full.

    What ends a video comes last: the index without which nothing plays. ``full`` says that it is
    time for it.

    Args:
        path: the file.
        room: bytes to hold back.
    Raises:
        OSError: the disk does not even have the room.
    """

    def __init__(self, path: Path, *, room: int) -> None:
        self.full = False
        self._room = path.with_name(f"{path.name}.room")
        try:
            # Random bytes: a disk that compresses would store zeros in no room at all.
            self._room.write_bytes(os.urandom(room))
            self._file = path.open("w+b", buffering=0)
        except OSError:
            self._room.unlink(missing_ok=True)
            raise

    def write(self, data: bytes) -> int:
        """Write all of it. The first time the disk is full, the room is given up for the rest."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as error:
                if error.errno not in _FULL or self.full:
                    raise
                self.full = True
                self._room.unlink(missing_ok=True)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size) or b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._room.unlink(missing_ok=True)
