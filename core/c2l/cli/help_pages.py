"""What ``--help`` shows: arguments as they are typed, examples, and commands by their use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def spell_parameters(parameters: Sequence[Any]) -> None:
    """Name arguments in capitals and without Typer's types, and repeatable options by one value."""
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            name = parameter.metavar or parameter.name.upper()
            many = "" if parameter.nargs == 1 else "..."
            usage = f"{name if parameter.required else f'[{name}]'}{many}"
            parameter.metavar = name
            parameter.display_type_rich = lambda ctx: ""
            parameter.get_usage_pieces = lambda ctx, usage=usage: [usage]
        elif parameter.multiple and parameter.metavar is None:
            parameter.metavar = "<str>"


def write_examples(formatter: Any, examples: str | None) -> None:
    """Write the examples of a command, a line each, however wide."""
    if examples:
        with formatter.section("Examples"):
            for line in examples.strip().splitlines():
                formatter.write(f"  {line}\n")


def write_commands(formatter: Any, commands: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Write a line for each command, in sections.

    Args:
        names: the names of the commands of each section, by its heading.
    """
    width = max(map(len, commands))
    for heading, section in names.items():
        with formatter.section(heading):
            formatter.write_dl([
                (f"{name:<{width}}", commands[name].get_short_help_str(formatter.width - width - 6))
                for name in section.split()
            ])  # fmt: skip
