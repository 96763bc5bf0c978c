"""Paths as people give them, and what keeps one from being used, in words."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from c2l_registry.errors import BadPath, NotReadable, NotWritable, UnknownReference

ANOTHER_HOME = "Set C2L_HOME to a folder of your own"
"""The way out for everything that c2l keeps in its own folder."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST = 200


def expand_path(text: str) -> Path:
    """A path as a user writes it, with ``~`` and ``~user`` expanded.

    Raises:
        BadPath: the home folder of an unknown user, or a text that cannot name a file.
    """
    if "\0" in text:
        raise BadPath(f"the path {text!r} contains a null character", hint="Check the path")
    if not is_unicode(text):  # it could be opened, but neither JSON nor safetensors can name it
        raise BadPath(f"the path {text!r} is not valid UTF-8", hint="Rename the file or folder")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        home = re.split(r"[/\\]", text, maxsplit=1)[0]
        raise BadPath(
            f"{home} is not a home folder on this machine", hint="Write the whole path instead"
        ) from None


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8; undecodable bytes of an argument cannot."""
    return _SURROGATE.search(text) is None


def is_there(path: Path, *, hint: str = ANOTHER_HOME) -> bool:
    """Whether a file or folder exists. Unlike ``Path.exists``, it never guesses.

    Raises:
        NotReadable: the system does not say, as where a folder above it may not be entered.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_read(path, error, hint=hint) from error
    return True


def check_readable(path: Path, *, hint: str = ANOTHER_HOME) -> Path:
    """Return ``path``, which is there, if this user may read it.

    Raises:
        NotReadable: the user may not.
    """
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise NotReadable(f"cannot read {shorten(path)}: Permission denied", hint=hint)
    return path


def check_given(path: Path) -> Path:
    """Return ``path``, which a user named, if there is something that this user may read.

    Raises:
        UnknownReference: there is no such file or folder.
        NotReadable: it may not be read.
    """
    hint = "Check the path and its permissions"
    if not is_there(path, hint=hint):
        raise UnknownReference(f"there is no file or folder {shorten(path)}", hint="Check the path")
    return check_readable(path, hint=hint)


def cannot_read(path: Path, error: OSError, *, hint: str = ANOTHER_HOME) -> NotReadable:
    """What to raise where the system refuses to read ``path``."""
    return NotReadable(f"cannot read {_at_fault(path, error)}: {_reason(error)}", hint=hint)


def cannot_write(path: Path, error: OSError, *, hint: str = "") -> NotWritable:
    """What to raise where the system refuses to write ``path``.

    Args:
        hint: what to do; without one, it follows from the error.
    """
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    hint = hint or ("Make room, or choose another place" if is_full else "Choose another place")
    return NotWritable(f"cannot write {_at_fault(path, error)}: {_reason(error)}", hint=hint)


def shorten(path: Path | str) -> str:
    """A path in a message: one of thousands of characters keeps its two ends."""
    text = str(path)
    return text if len(text) <= _LONGEST else f"{text[:80]}…{text[-40:]}"


def _at_fault(path: Path, error: OSError) -> str:
    """The outermost folder that bars the way to ``path``, else ``path``: the one to change."""
    if isinstance(error, (PermissionError, NotADirectoryError, FileExistsError)):
        for folder in reversed(path.absolute().parents):
            if not os.path.isdir(folder) or not os.access(folder, os.X_OK):
                return shorten(folder)
    return shorten(path)


def _reason(error: OSError) -> str:
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return "it is a file, not a folder"
    return error.strerror or str(error)
