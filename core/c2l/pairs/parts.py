"""Which parts made the pairs, and how others differ from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.pairs.manifest import PairsManifest
from c2l.part import Part
from c2l.prior_file import PartCard


def other_parts(
    manifest: PairsManifest, generator: Generator | None, embedder: Embedder | None
) -> list[str]:
    """How these parts are not those that made the pairs, in words; nothing if they are."""
    return [
        f"their {role} is {card.reference}{_unlike(card, part)}"
        for role, card, part in (
            ("generator", manifest.generator, generator),
            ("embedder", manifest.embedder, embedder),
        )
        if part is not None and part.fingerprint() != card.fingerprint
    ]


def _unlike(card: PartCard, part: Part) -> str:
    """Another name; or else which settings differ, or that it must be the weights."""
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
