"""``c2l info``: what a picture says about itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from c2l.cli import output


def register(app: typer.Typer) -> None:
    app.command("info")(info)


def info(
    file: Annotated[Path, typer.Argument(help="A PNG that c2l wrote.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Read back the prompt, seed, parts and settings of a picture."""
    from c2l.images import read_png

    record = read_png(file)
    if as_json:
        output.data(json.dumps(record, ensure_ascii=False))
        return
    settings = record.pop("settings", {})
    for key, value in {**record, **settings}.items():
        if value not in (None, ""):
            shown = ", ".join(value) if isinstance(value, list) else value
            output.data(f"{key:<10} {shown}")
