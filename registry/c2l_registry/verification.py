"""Whether the files in the weights folder are still those that were fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from c2l_registry.checksums import first_seen, record, sha256_of
from c2l_registry.weights import wanted_files

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one file.

    Args:
        state: ``ok``; ``recorded``: nobody knew its hash, and now it is kept; ``changed``: its
            size or hash is not the known one; ``missing``.
        size, sha256: of the file as it is; 0 and empty where it is missing.
        expected: the sha256 on the card, or the one seen when it was first fetched.
    """

    path: Path
    state: Literal["ok", "recorded", "changed", "missing"]
    size: int
    sha256: str
    expected: str


def verify_files(card: ModelCard, environ: Mapping[str, str]) -> list[Verdict]:
    """Hash every file of a card with addresses, and compare."""
    verdicts = []
    for file in wanted_files(card, environ):
        expected = file.sha256 or first_seen(file.path)
        if not file.path.exists():
            verdicts.append(Verdict(file.path, "missing", 0, "", expected))
            continue
        size, sha256 = file.path.stat().st_size, sha256_of(file.path)
        state: Literal["ok", "recorded", "changed"] = "ok"
        if (expected and sha256 != expected) or file.size not in {None, size}:
            state = "changed"
        elif not expected:
            record(file.path, sha256)
            state = "recorded"
        verdicts.append(Verdict(file.path, state, size, sha256, expected))
    return verdicts
