"""What happened when plugins were asked what they offer."""

from __future__ import annotations

from dataclasses import dataclass

from c2l.plugins import registry


@dataclass(frozen=True)
class PluginTrace:
    """One plugin: where it was asked, what was called, and what came of it.

    Args:
        told: ``here``, ``in a child`` process, ``remembered`` from an earlier time, or empty for a
            plugin that was not asked.
        seconds: that describing it took; for a remembered one, at that time.
        hooks: that were called, in order.
        kinds, cards: what it registered: kinds, and files of cards.
    """

    name: str
    package: str
    state: str
    told: str
    seconds: float
    hooks: tuple[str, ...]
    kinds: tuple[str, ...]
    cards: tuple[str, ...]
    error: str


def trace_plugins() -> list[PluginTrace]:
    """Every plugin, in the order in which they were asked."""
    return [
        PluginTrace(
            name=description.record.name,
            package=f"{description.record.dist} {description.record.version}",
            state=description.row.state,
            told=description.told,
            seconds=round(description.seconds, 4),
            hooks=tuple(description.hooks),
            kinds=tuple(description.kinds),
            cards=tuple(map(str, description.cards)),
            error=description.row.error,
        )
        for description in registry().descriptions()
    ]
