"""Files that are programs: c2l runs one only after the user said yes to its very bytes.

A kind whose files are programs says so (``KindSpec.programs``). The yes is kept by sha256, so a
file may move, and a changed one is asked about again.
"""

from __future__ import annotations

import hashlib

from c2l.errors import ProgramNotAccepted
from c2l.plugins import registry
from c2l_registry import KindSpec, Source
from c2l_registry.consent import accept_program, is_program_accepted


def check_program(spec: KindSpec, source: Source, *, accept: bool = False) -> None:
    """Refuse to run a program that nobody said yes to.

    Args:
        accept: say yes, from now on.
    Raises:
        ProgramNotAccepted
        NotWritable: the yes cannot be kept.
    """
    if not spec.programs or source.path is None or not source.path.is_file():
        return
    with source.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    reference = str(source.reference)
    if is_program_accepted(sha256, registry().environ):
        return
    if not accept:
        raise ProgramNotAccepted(reference, sha256)
    accept_program(reference, sha256, registry().environ)
