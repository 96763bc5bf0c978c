"""``c2l plugins install|remove|freeze|restore``: thin, around this Python's pip or uv."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.commands import Commands
from c2l.cli.options import Json, option

Packages = Annotated[
    list[str],
    typer.Argument(metavar="PKG", help="What to install, as for pip: c2l-dcgan, ./folder, …"),
]
Lines = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="Output of 'c2l plugins freeze'.", show_default=False),
]
DryRun = Annotated[bool, option("Only print the command.", "--dry-run")]


def install(
    packages: Packages,
    editable: Annotated[
        bool, option("Install source folders in place.", "--editable", "-e")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Install plugins with this Python's pip or uv.

    The command is shown first. Plugins are programs: only install plugins you trust.
    """
    _carry_out(service.plan_install(packages, editable=editable), dry_run, as_json)


def remove(
    name: Annotated[str, typer.Argument(help="A plugin, or its package.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove the package that provides a plugin."""
    _carry_out(service.plan_remove(name), dry_run, as_json)


def freeze(as_json: Json = False) -> None:
    """Print the installed plugins, for 'c2l plugins restore'."""
    lines = service.freeze_plugins()
    for name, line in lines.items():
        if " @ file:" in line:
            output.warn(
                f"{name} comes from a folder of this machine, and can be restored only here"
            )
    if as_json:
        output.print_json(lines)
    else:
        for line in lines.values():
            output.data(line)


def restore(file: Lines = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Reinstall missing plugins.

    Those listed in a file, or without one, those that were here before an upgrade.
    """
    _carry_out(service.plan_restore(file), dry_run, as_json)


def _carry_out(plan: service.PackagePlan, dry_run: bool, as_json: bool) -> None:
    if dry_run:
        if plan.command:
            output.data(plan.text)
        elif plan.obstacle:
            output.warn(f"{plan.obstacle}. {plan.hint}")
        return
    if plan.command and not plan.obstacle:
        output.talk(f"$ {plan.text}")
    if not plan.command and plan.packages:
        output.talk("everything is installed already")
    for surprise in service.carry_out(plan):
        output.warn(surprise)
    output.print_plugins(as_json)


COMMANDS: Commands = {
    "install": install,
    "remove": remove,
    "freeze": freeze,
    "restore": restore,
}
