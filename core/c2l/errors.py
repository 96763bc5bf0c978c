"""Every error a user can meet, each with an exit code and the next thing to type.

The command line prints ``error: <message>. <hint>`` on one line of stderr and returns
``exit_code``; tracebacks appear only with ``--debug``.
"""

from __future__ import annotations

from c2l_registry.errors import (
    BadCard,
    BadPath,
    BadReference,
    C2LError,
    ExitCode,
    LicenceNotAccepted,
    NotDownloaded,
    NotReadable,
    NotWritable,
    PluginFailed,
    UnknownPlugin,
    UnknownReference,
)

__all__ = [
    "BadCard",
    "BadInput",
    "BadPath",
    "BadPicture",
    "BadReference",
    "BadWeights",
    "C2LError",
    "DeviceUnavailable",
    "ExitCode",
    "IncompatibleParts",
    "LicenceNotAccepted",
    "MissingDependency",
    "NotDownloaded",
    "NotReadable",
    "NotWritable",
    "PluginFailed",
    "UnknownPlugin",
    "UnknownReference",
]


class BadInput(C2LError):
    """A value given by the user that cannot be used: an empty prompt, zero pictures."""

    exit_code = ExitCode.USAGE


class BadWeights(C2LError):
    """A file that is truncated, foreign, or not what its place says it should be."""

    exit_code = ExitCode.BAD_FILE


class BadPicture(C2LError):
    """A picture that is missing, unreadable, or carries no settings."""

    exit_code = ExitCode.BAD_FILE


class IncompatibleParts(C2LError):
    """A prior that was trained for another generator or embedder; lists every mismatch."""

    exit_code = ExitCode.INCOMPATIBLE


class DeviceUnavailable(C2LError):
    """A device that this machine or this build of torch does not have."""

    exit_code = ExitCode.DEVICE


class MissingDependency(C2LError):
    """A package that a plugin needs and that is not installed."""

    exit_code = ExitCode.MISSING_DEPENDENCY
