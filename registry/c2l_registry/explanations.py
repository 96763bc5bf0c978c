"""How errors about plugins and kinds are worded."""

from __future__ import annotations

from c2l_registry.errors import PluginFailed
from c2l_registry.kinds import KindSpec
from c2l_registry.plugins import DISABLE, PluginRecord


def claimed_twice(kind: str, claims: list[tuple[KindSpec, PluginRecord]]) -> PluginFailed:
    """Two plugins, or more, register one kind."""
    records = [record for _, record in claims]
    return PluginFailed(
        f"the kind {kind!r} is claimed by plugins {' and '.join(map(str, records))}, "
        "and none of them may have it",
        hint=f"Leave one out: {DISABLE}={records[-1].name}",
    )


def not_loaded(kind: str, record: PluginRecord) -> PluginFailed:
    """The plugin that a kind belongs to is there but disabled, or failed."""
    if record.state == "disabled":
        return PluginFailed(
            f"the kind {kind!r} belongs to plugin {record}, which {DISABLE} leaves out",
            hint=f"Take {record.name} out of {DISABLE}",
        )
    return PluginFailed(
        f"the kind {kind!r} belongs to plugin {record}, which did not load: {record.error}",
        hint=f"See more: c2l plugins show {record.name}",
    )


def join(*sentences: str) -> str:
    """Hints one after the other; each but the last gets its full stop."""
    given = [sentence for sentence in sentences if sentence]
    return " ".join(s if s.endswith("?") or s is given[-1] else f"{s}." for s in given)
