"""Whether the files in the weights folder are still those that were fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from c2l_registry.checksums import first_seen, record, sha256_of
from c2l_registry.paths import is_there
from c2l_registry.weights import WantedFile, wanted_files

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one file.

    Args:
        state: ``ok``; ``recorded``: its hash was unknown, and is kept from now on; ``changed``:
            its size or hash is not the known one; ``missing``.
        size, sha256: of the file as it is; 0 and empty if it is missing.
        expected: the sha256 on the card, or the one seen when it was first fetched.
    """

    path: Path
    state: Literal["ok", "recorded", "changed", "missing"]
    size: int
    sha256: str
    expected: str


def verify_files(card: ModelCard, environ: Mapping[str, str]) -> list[Verdict]:
    """Hash every file of a card with addresses, and compare.

    Raises:
        NotReadable: this user may not read a file, or its record.
        NotWritable: a hash was unknown, and the folder does not take its record.
    """
    return [_verify(file) for file in wanted_files(card, environ)]


def _verify(file: WantedFile) -> Verdict:
    if not is_there(file.path):
        return Verdict(file.path, "missing", 0, "", file.sha256 or first_seen(file.path))
    expected = file.sha256 or first_seen(file.path)
    size, sha256 = file.path.stat().st_size, sha256_of(file.path)
    state: Literal["ok", "recorded", "changed"] = "ok"
    if (expected and sha256 != expected) or file.size not in {None, size}:
        state = "changed"
    elif not expected:
        record(file.path, sha256)
        state = "recorded"
    return Verdict(file.path, state, size, sha256, expected)
