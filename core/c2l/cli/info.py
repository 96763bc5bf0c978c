"""``c2l info``: what a picture or a prior says about itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from c2l.cli import output


def register(app: typer.Typer) -> None:
    app.command("info")(info)


def info(
    file: Annotated[
        Path, typer.Argument(help="A PNG or a prior that c2l wrote.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Read back how a picture was drawn, or a prior was made.

    Of a picture, its prompt, seed, parts and settings; of a prior, the run that made it.

    A run is TOML, which 'c2l train' takes again; --json prints all that a prior's file says.
    """
    if file.suffix == ".safetensors":
        _prior_info(file, as_json=as_json)
        return
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


def _prior_info(file: Path, *, as_json: bool) -> None:
    from c2l.prior_file import read_prior_card
    from c2l.training.run import TrainingRun

    card = read_prior_card(file)
    if as_json:
        output.data(card.to_json())
        return
    for name, value in card.scores.items():
        output.talk(f"{name:<28} {value}")
    output.data(TrainingRun.of(card).to_toml().rstrip())
