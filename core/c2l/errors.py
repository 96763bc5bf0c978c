"""Every error a user can meet, each with an exit code and what to do next.

Messages and hints name values by their fields, in backquotes: `guidance`, `num=1`, `half=False`,
or a command with its fields: `c2l pairs num=20000 out="faces"`. Each front end says them in its own
words; ``c2l.cli`` turns them into flags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from c2l_registry.errors import (
    BadCard,
    BadPath,
    BadReference,
    C2LError,
    ExitCode,
    InstallFailed,
    LicenceNotAccepted,
    NotDownloaded,
    NotReadable,
    NotWritable,
    PluginFailed,
    UnknownPlugin,
    UnknownReference,
)

__all__ = [
    "Assumed",
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
    "InstallFailed",
    "LicenceNotAccepted",
    "MissingDependency",
    "NotDownloaded",
    "NotReadable",
    "NotWritable",
    "OutOfMemory",
    "PluginFailed",
    "ProgramNotAccepted",
    "RankLost",
    "StoreRefused",
    "StoreUnreachable",
    "UnknownPlugin",
    "UnknownReference",
    "as_out_of_memory",
    "spell_fields",
]


class Assumed(UserWarning):
    """Somebody else's file does not fully describe its network; the rest was assumed."""


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


class OutOfMemory(C2LError):
    """The memory of this machine, or of its GPU, is too small for what was asked."""

    exit_code = ExitCode.DEVICE


class ProgramNotAccepted(C2LError):
    """A file that is a program, which the user has not agreed to run.

    Args:
        reference: ``kind:file``.
        sha256: of the file.
    """

    exit_code = ExitCode.LICENCE

    def __init__(self, reference: str, sha256: str) -> None:
        super().__init__(
            f"{reference} is a program, which may do more than draw (sha256 {sha256[:12]}…)",
            hint="If you trust whoever made it, say so with `accept_programs=True`",
            field="accept_programs",
        )
        self.reference = reference
        self.sha256 = sha256

    def __reduce__(self) -> tuple[object, ...]:  # so that it comes back from another process
        return type(self), (self.reference, self.sha256)


class RankLost(C2LError):
    """One of several processes that train together is gone, or does not answer."""

    exit_code = ExitCode.RANK_LOST


class MissingDependency(C2LError):
    """A package that a plugin needs and that is not installed."""

    exit_code = ExitCode.MISSING_DEPENDENCY


class StoreRefused(C2LError):
    """A store refuses: no permission, no such bucket, or expired keys."""

    exit_code = ExitCode.REFUSED


class StoreUnreachable(C2LError):
    """A store that does not answer, is busy, or breaks off its answers, even when asked again."""

    exit_code = ExitCode.OFFLINE


def as_out_of_memory(error: BaseException) -> OutOfMemory | None:
    """The error to show if Python or torch ran out of memory; None for any other error.

    On a CPU, only torch's message says so.
    """
    full = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if not full and "DefaultCPUAllocator" not in str(error):
        return None
    return OutOfMemory("there is too little memory for this", hint="Ask for less at once")


def spell_fields(fields: Mapping[str, object]) -> str:
    """Fields and values as hints write them: ``num=20000 out="faces"``."""
    return " ".join(f"{name}={_literal(value)}" for name, value in fields.items())


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
