"""``c2l new``: a plugin package to begin with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.commands import Commands
from c2l.cli.options import option

Name = Annotated[str, typer.Argument(help="Name of the plugin, as in my-gan.")]
Out = Annotated[Path | None, option("Folder for the package.", "--out", "-o", default="c2l-NAME")]
Json = Annotated[bool, option("Print JSON instead.", "--json")]


def generator(name: Name, out: Out = None, as_json: Json = False) -> None:
    """Write a package with a working generator.

    Replace its network with your own.
    """
    _show(service.new_package("generator", name, out), as_json)


def embedder(name: Name, out: Out = None, as_json: Json = False) -> None:
    """Write a package with a working embedder.

    It knows colours; replace it with your own.
    """
    _show(service.new_package("embedder", name, out), as_json)


def prior(name: Name, out: Out = None, as_json: Json = False) -> None:
    """Write a package with a working prior.

    It trains and samples; replace it with your own.
    """
    _show(service.new_package("prior", name, out), as_json)


def _show(package: service.NewPackage, as_json: bool) -> None:
    if as_json:
        output.print_json(dataclasses.asdict(package))
        return
    output.data(f"{package.folder}:")
    for line in package.files:
        output.data(f"  {line}")
    output.data("next:")
    for line in package.commands:
        output.data(f"  {line}")


COMMANDS: Commands = {"generator": generator, "embedder": embedder, "prior": prior}
