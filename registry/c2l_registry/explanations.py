"""The words of errors about plugins and kinds."""

from __future__ import annotations

from c2l_registry.errors import C2LError, PluginFailed, UnknownPlugin, UnknownReference
from c2l_registry.kinds import KindSpec
from c2l_registry.loose import FILES
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


def unusable_file(record: PluginRecord, *, run: bool) -> C2LError:
    """A loose file that the user named and that cannot be used, whether it was run or not."""
    if not run:
        return UnknownPlugin(
            f"{record.file} cannot be a plugin: {record.error}",
            hint=f"Name Python files, also in {FILES}",
        )
    return PluginFailed(
        f"the plugin {record.file} fails: {record.error}",
        hint=f"Correct it. See more: c2l plugins show {record.name}",
    )


def not_wrapped_here() -> UnknownReference:
    """A reference to what was given to ``c2l.wrap``."""
    return UnknownReference(
        "what is wrapped lives in the program that wraps it, and cannot be loaded by name",
        hint="In Python, give the part itself; for commands, put it into a file: "
        '`c2l plugin="./my_gan.py" …`',
    )


def join(*sentences: str) -> str:
    """Join hints; each but the last gets a full stop."""
    given = [sentence for sentence in sentences if sentence]
    return " ".join(s if s.endswith("?") or s is given[-1] else f"{s}." for s in given)
