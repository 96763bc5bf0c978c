"""The words of errors about plugins and kinds."""

from __future__ import annotations

from c2l_registry.errors import PluginFailed
from c2l_registry.kinds import KindSpec
from c2l_registry.plugins import BY_VARIABLE, DISABLE, PluginRecord


def claimed_twice(kind: str, claims: list[tuple[KindSpec, PluginRecord]]) -> PluginFailed:
    """Two or more plugins register one kind."""
    records = [record for _, record in claims]
    return PluginFailed(
        f"the kind {kind!r} is claimed by plugins {' and '.join(map(str, records))}, "
        "so it cannot be used",
        hint=f"Leave one out: {DISABLE}={records[-1].name}",
    )


def taken_kind(kind: str, owner: PluginRecord) -> str:
    """A plugin claims a kind of the host's own."""
    return f"the kind {kind!r} is one of {owner.dist} itself, whose own is used"


def not_loaded(kind: str, record: PluginRecord) -> PluginFailed:
    """The plugin that a kind belongs to is installed, but disabled or broken."""
    if record.state == "disabled":
        return PluginFailed(
            f"the kind {kind!r} belongs to plugin {record}, which is {record.error}",
            hint=f"Take {record.name} out of {DISABLE}"
            if record.error == BY_VARIABLE
            else f"Use it again: c2l plugins enable {record.name}",
        )
    return PluginFailed(
        f"the kind {kind!r} belongs to plugin {record}, which did not load: {record.error}",
        hint=f"See more: c2l plugins show {record.name}",
    )


def join(*sentences: str) -> str:
    """Join hints; each but the last gets a full stop."""
    given = [sentence for sentence in sentences if sentence]
    return " ".join(s if s.endswith("?") or s is given[-1] else f"{s}." for s in given)
