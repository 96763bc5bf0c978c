"""``c2l info``: what a picture, a prior or a direction says about itself."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.options import option
from c2l.errors import C2LError

EXAMPLES = """
c2l info pictures/tropical-beach-s1.png
c2l info faces.safetensors > run.toml
"""


def info(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="PNGs, priors or directions by c2l.")
    ],
    as_json: Annotated[bool, option("Print a JSON object for each file.", "--json")] = False,
) -> None:
    """Show how a picture, a prior or a direction was made.

    For a picture: its prompt, seed, parts and settings. For a prior: its training run, as TOML for
    'c2l train'; --json prints everything its file says.
    """
    errors = []
    for file in files:
        try:
            facts = service.describe_file(file)
        except C2LError as wrong:
            errors.append(wrong)
            continue
        if len(files) > 1 and not as_json:
            output.data(f"# {file}")
        _print(facts, as_json)
    for error in errors[:-1]:
        output.fail(str(error))
    if errors:
        raise errors[-1]


def _print(
    facts: service.PictureFacts | service.PriorFacts | service.DirectionFacts, as_json: bool
) -> None:
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
