"""``c2l info``: what a picture, a prior or a direction says about itself."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.options import option


def info(
    file: Annotated[str, typer.Argument(help="A PNG, a prior or a direction.", show_default=False)],
    as_json: Annotated[bool, option("Print one JSON object.", "--json")] = False,
) -> None:
    """Show how a picture, a prior or a direction was made.

    Of a picture, its prompt, seed, parts and settings; of a prior, the run that made it.

    A run is TOML, which 'c2l train' takes again; --json prints all that a prior's file says.
    """
    facts = service.describe_file(file)
    if isinstance(facts, service.PictureFacts):
        if as_json:
            output.data(json.dumps(facts.record, ensure_ascii=False))
        else:
            output.print_details(facts.record, as_json=False)
    elif isinstance(facts, service.DirectionFacts):
        card = json.loads(facts.card.to_json())
        if not as_json:  # what matters of the generator in a line
            card["generator"] = facts.card.generator.reference
            card["fingerprint"] = facts.card.generator.fingerprint
        output.print_details(card, as_json=as_json)
    elif as_json:
        output.data(facts.card.to_json())
    else:
        chosen = {f"chosen {name}": value for name, value in facts.card.chosen.items()}
        for name, value in {**facts.card.scores, **chosen}.items():
            output.talk(f"{name:<28} {value}")
        output.data(facts.run.rstrip())
