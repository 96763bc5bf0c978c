"""``c2l plugins``: the installed plugin packages and their state."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import output, packages
from c2l.cli.check import print_reports
from c2l.cli.commands import Commands
from c2l.cli.options import Json

Name = Annotated[str, typer.Argument(help="A plugin, from 'c2l plugins list'.")]
Chosen = Annotated[str, typer.Argument(help="A plugin, or the package of several.")]


def list_plugins(as_json: Json = False) -> None:
    """List the installed plugins and whether they work."""
    # Other commands stop at unknown names of plugins; this one helps to correct them.
    for problem in service.plugin_problems():
        output.warn(problem)
    if lost := service.lost_packages():
        output.warn(f"not here any more: {', '.join(lost)}. Install again: c2l plugins restore")
    output.print_plugins(as_json)
    service.refuse_broken_plugins()


def show_plugin(name: Name, as_json: Json = False) -> None:
    """Show one plugin: its package, what it provides, why it failed."""
    for problem in service.plugin_problems(cards=True):
        output.warn(problem)
    output.print_details(service.show_plugin(name), as_json=as_json)
    service.refuse_broken_plugins()


def trace_plugins(as_json: Json = False) -> None:
    """Show how plugins were loaded, in order."""
    rows = service.trace_plugins()
    if as_json:
        output.print_rows(rows, {}, as_json=True)
    else:
        _print_trace(rows)
    service.refuse_broken_plugins()


def disable_plugin(name: Chosen, as_json: Json = False) -> None:
    """Disable a plugin.

    If two plugins share a name, give the package of one. C2L_DISABLE_PLUGINS overrides this, if
    set. Plugins that come with c2l can be disabled too.
    """
    _changed(service.disable_plugin(name), as_json)


def enable_plugin(name: Chosen, as_json: Json = False) -> None:
    """Enable a plugin again."""
    _changed(service.enable_plugin(name), as_json)


def check_plugin(
    name: Annotated[str, typer.Argument(help="A plugin, from 'c2l plugins list'.")],
    as_json: Json = False,
) -> int:
    """Check the parts of a plugin, as 'c2l check' does."""
    return print_reports(service.check_plugin(name), as_json=as_json)


def _changed(rows: list[service.PluginRow], as_json: bool) -> None:
    if why := service.why_choices_do_not_count():
        output.warn(why)
    if as_json:
        output.print_rows(rows, {}, as_json=True)
    for row in rows:
        state = "disabled" if row.state == "disabled" else "enabled"
        output.talk(f"{state}: {row.name} ({row.package})")


def _print_trace(rows: list[service.PluginTrace]) -> None:
    cells = [
        [
            row.name,
            row.told or row.state,
            f"{1000 * row.seconds:.0f}" if row.told else "",
            ", ".join(hook.removeprefix("c2l_register_") for hook in row.hooks),
            row.error or _counted(row),
        ]
        for row in rows
    ]
    output.print_table(["plugin", "asked", "ms", "hooks", "registered"], cells)


def _counted(row: service.PluginTrace) -> str:
    cards = f"{len(row.cards)} file{'s'[: len(row.cards) != 1]} of cards" if row.cards else ""
    return ", ".join([*row.kinds, *filter(None, [cards])])


COMMANDS: Commands = {
    "list": list_plugins,
    "show": show_plugin,
    "check": check_plugin,
    "trace": trace_plugins,
    "enable": enable_plugin,
    "disable": disable_plugin,
    **packages.COMMANDS,
}
