"""Which parts made the pairs, where they are, and how others differ from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.pairs.manifest import PairsManifest
from c2l.part import Part
from c2l.places import Place
from c2l.prior_file import PartCard
from c2l.resolving import resolve_beside


def references_of(folder: Place, manifest: PairsManifest) -> tuple[str, str]:
    """Generator and embedder that made the pairs of a folder, wherever that was moved to.

    They are looked for where the manifest says; in the folder; and beside it, since a folder of
    pairs is moved as a whole.
    """
    places = (folder, folder.absolute().parent)
    parts = (manifest.generator, manifest.embedder)
    generator, embedder = (resolve_beside(part.reference, *places) for part in parts)
    return generator, embedder


def part_mismatches(
    manifest: PairsManifest, generator: Generator | None, embedder: Embedder | None
) -> list[str]:
    """How these parts differ from those that made the pairs, one text for each that does."""
    return [
        f"their {role} is {card.reference}{_difference(card, part)}"
        for role, card, part in (
            ("generator", manifest.generator, generator),
            ("embedder", manifest.embedder, embedder),
        )
        if part is not None and part.fingerprint() != card.fingerprint
    ]


def _difference(card: PartCard, part: Part) -> str:
    """Another name; or else other settings, which are named; or else other weights."""
    if card.reference != part.reference:
        return f", not {part.reference}"
    ours = part.settings()
    differing = [
        f"{name} {_plain(card.settings[name])}, not {_plain(ours[name])}"
        for name in sorted(card.settings.keys() & ours.keys())
        if _plain(card.settings[name]) != _plain(ours[name])
    ]
    return f" with other settings ({'; '.join(differing)})" if differing else " with other weights"


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
