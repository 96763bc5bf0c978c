"""The base of every error that a user can meet, and the exit codes of the command line.

The registry may not import ``c2l``, so the base class and the registry's own errors live here.
``c2l.errors`` lists all of them, and is what users import.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the process returns. Part of the public contract: scripts test for these."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INTERNAL = 3
    NOT_FOUND = 4
    INCOMPATIBLE = 5
    OFFLINE = 6
    MISSING_DEPENDENCY = 7
    DEVICE = 8
    BAD_FILE = 9
    LICENCE = 10
    RANK_LOST = 11
    REFUSED = 12
    INTERRUPTED = 130


class C2LError(Exception):
    """Something a user can put right. ``hint`` says how.

    Args:
        message: what is wrong, one sentence without a full stop at its end.
        hint: what to do next, one sentence; empty only where nothing can be done.
        field: the name of the value at fault, as in ``guidance``; empty where it is none.

    Both texts write the names of fields in backquotes, as in "Use `guidance` from 0 to 100"; a
    front end may say them in its own words; ``c2l.cli`` makes them flags.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class BadReference(C2LError):
    """A reference that cannot be read as ``kind:name``."""

    exit_code = ExitCode.USAGE


class BadPath(C2LError):
    """A path that no machine could have, or that starts at the home folder of an unknown user."""

    exit_code = ExitCode.USAGE


class UnknownReference(C2LError):
    """A reference to a kind, name or file that does not exist."""

    exit_code = ExitCode.NOT_FOUND


class UnknownPlugin(C2LError):
    """The name of no installed plugin, or of two; as in ``C2L_DISABLE_PLUGINS``."""

    exit_code = ExitCode.USAGE


class PluginFailed(C2LError):
    """The plugin that should provide this did not load, or two plugins claim one kind."""

    exit_code = ExitCode.MISSING_DEPENDENCY


class InstallFailed(C2LError):
    """Packages that were not installed or removed: pip failed, or it is not for c2l to do."""

    exit_code = ExitCode.FAILED


class BadCard(C2LError):
    """A file of model cards or recipes that cannot be used."""

    exit_code = ExitCode.BAD_FILE


class NotDownloaded(C2LError):
    """Weights that are not on this machine yet, or that cannot be fetched."""

    exit_code = ExitCode.OFFLINE


class NotReadable(C2LError):
    """A folder or file that this user may not read."""

    exit_code = ExitCode.FAILED


class NotWritable(C2LError):
    """A folder or file that cannot be written."""

    exit_code = ExitCode.FAILED


class LicenceNotAccepted(C2LError):
    """Weights whose licence the user has not accepted."""

    exit_code = ExitCode.LICENCE
