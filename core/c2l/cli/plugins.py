"""``c2l plugins``: the installed plugin packages and their state."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.commands import Commands
from c2l.cli.options import Json


def list_plugins(as_json: Json = False) -> None:
    """List the installed plugins and whether they work."""
    # Other commands stop at unknown names of plugins; this one helps to correct them.
    for problem in service.plugin_problems():
        output.warn(problem)
    columns = {"plugin": "name", "package": "package", "state": "state", "summary": "remark"}
    output.print_rows(service.list_plugins(), columns, as_json=as_json)


def show_plugin(
    name: Annotated[str, typer.Argument(help="As the list names it.")], as_json: Json = False
) -> None:
    """Show one plugin: its package, what it provides, why it failed."""
    for problem in service.plugin_problems(cards=True):
        output.warn(problem)
    output.print_details(service.show_plugin(name), as_json=as_json)


COMMANDS: Commands = {"list": list_plugins, "show": show_plugin}
