"""What a reference stands for on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from c2l_registry.references import Reference

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference was resolved to, and what a class's ``load`` is given.

    Args:
        reference: as the user wrote it.
        path: the file or folder on this machine; None where the class needs none, or finds its
            weights itself.
        card: the card of the catalogue; None for a path, and for a name that is on no card.
    """

    reference: Reference
    path: Path | None
    card: ModelCard | None
