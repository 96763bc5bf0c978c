"""Files of this machine for those who can only use such: libraries, and other people's parts."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from c2l.errors import C2LError
from c2l.places.remote import Place, RemotePath
from c2l_registry.files import write_atomically


@contextmanager
def on_disk(place: Place) -> Iterator[Path]:
    """A file with the content of ``place``, for as long as it is read: itself, or a copy.

    Errors name ``place``.

    Raises:
        FileNotFoundError: nothing is there.
    """
    if isinstance(place, Path):
        yield place
        return
    with _folder() as folder:
        copy = folder / place.name
        copy.write_bytes(place.read_bytes())
        with naming(copy, place):
            yield copy


@contextmanager
def written_by(place: Place) -> Iterator[Path]:
    """A path to write to, whose file becomes ``place``: itself, or one that is put there whole."""
    if isinstance(place, Path):
        yield place
        return
    place.check_writable()
    with _folder() as folder:
        draft = folder / place.name
        with naming(draft, place):
            yield draft
        place.write_bytes(draft.read_bytes())


def kept_copy(place: RemotePath) -> Path:
    """A copy that stays as long as this process: weights of a part.

    Raises:
        FileNotFoundError: nothing is there.
    """
    data = place.read_bytes()
    # The name tells apart what is replaced while this process runs.
    folder = _kept() / hashlib.sha256(f"{place} ".encode() + data).hexdigest()[:16]
    copy = folder / place.name
    if not copy.exists():
        write_atomically(copy, data)
    return copy


@contextmanager
def naming(copy: Path, place: Place) -> Iterator[None]:
    """In errors of c2l, a copy is called by the name of what it is a copy of."""
    try:
        yield
    except C2LError as error:
        error.message = error.message.replace(str(copy), str(place))
        error.hint = error.hint.replace(str(copy), str(place))
        raise


@cache
def _kept() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="c2l-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="c2l-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
