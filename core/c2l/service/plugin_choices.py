"""Which plugins are used: what the user chose, from package metadata alone.

No plugin is imported here, so that one which breaks everything can be left out.
"""

from __future__ import annotations

from dataclasses import replace

from c2l.plugins import registry
from c2l.service.catalogue import PluginRow, plugin_row
from c2l_registry.choices import Choices, change_choices
from c2l_registry.plugins import DISABLE, PluginRecord, plugins_called


def disable_plugin(name: str) -> list[PluginRow]:
    """Leave a plugin out, or all those of a package, in every command from now on.

    Plugins that come with c2l can be left out as well.

    Args:
        name: of the plugin; of its package where two share a name.
    Returns:
        The plugins that this concerns, as they are now.
    Raises:
        UnknownPlugin: no plugin or package has this name, or plugins of two packages have.
        NotReadable, NotWritable: the file of choices.
    """
    return _change(name, disabled=True)


def enable_plugin(name: str) -> list[PluginRow]:
    """Use a plugin again that ``disable_plugin`` left out; parameters and errors as there."""
    return _change(name, disabled=False)


def why_choices_do_not_count() -> str:
    """What keeps the choices from being followed, in one line; empty if they are."""
    if DISABLE not in registry().environ:
        return ""
    return f"{DISABLE} is set, and wins over this: unset it"


def _change(name: str, *, disabled: bool) -> list[PluginRow]:
    records = registry().plugins()
    meant = plugins_called(name, records)

    def change(choices: Choices) -> Choices:
        kept = _without(meant, records, choices.disabled)
        return replace(choices, disabled=(*kept, _spelt(name, meant)) if disabled else kept)

    change_choices(registry().environ, change)
    registry.cache_clear()
    now = {(record.name, record.dist): record for record in registry().plugins()}
    return [plugin_row(now[record.name, record.dist]) for record in meant]


def _without(
    meant: list[PluginRecord], records: list[PluginRecord], disabled: tuple[str, ...]
) -> tuple[str, ...]:
    """The disabled names without those of some plugins; others of their package stay out."""
    packages = {record.dist for record in meant if record.dist in disabled}
    siblings = [r.name for r in records if r.dist in packages and r not in meant]
    gone = packages | {record.name for record in meant}
    return tuple(dict.fromkeys([*(name for name in disabled if name not in gone), *siblings]))


def _spelt(name: str, meant: list[PluginRecord]) -> str:
    """A name as it is compared: a package as its metadata spells it."""
    return name if name == meant[0].name else meant[0].dist
