"""``c2l info``: what a picture or a prior says about itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from c2l.cli.options import option
from c2l.cli.output import data, talk


def info(
    file: Annotated[
        Path, typer.Argument(help="A PNG or a prior that c2l wrote.", show_default=False)
    ],
    as_json: Annotated[bool, option("As one JSON object.", "--json")] = False,
) -> None:
    """Show how a picture was drawn, or how a prior was made.

    Of a picture, its prompt, seed, parts and settings; of a prior, the run that made it.

    A run is TOML, which 'c2l train' takes again; --json prints all that a prior's file says.
    """
    from c2l.service import PriorFacts, describe_file

    facts = describe_file(file)
    if isinstance(facts, PriorFacts):
        if as_json:
            data(facts.card.to_json())
            return
        for name, value in facts.card.scores.items():
            talk(f"{name:<28} {value}")
        data(facts.run.rstrip())
    elif as_json:
        data(json.dumps(facts.record, ensure_ascii=False))
    else:
        for name, value in facts.record.items():
            if value not in (None, "", [], {}):
                shown = value if isinstance(value, (str, int, float)) else json.dumps(value)
                data(f"{name:<12} {shown}")
