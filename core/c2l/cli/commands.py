"""Typer commands and groups that start without pydantic, and whose messages use their own flags.

Typer converts values with pydantic, whose import takes longer than a whole ``c2l plugins list``.
Flags that are already true or false need no conversion, nor do texts; the one that Typer adds
itself, ``--help``, is None when it is not given. These classes make it false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from c2l import service
from c2l.cli import help_pages, wording
from c2l.errors import BadInput

MANAGING = ("c2l plugins ", "c2l doctor")
"""The ways out when plugins are broken; they run whatever C2L_PLUGINS_STRICT says."""

Commands = Mapping[str, Callable[..., Any]]


class Command(TyperCommand):
    """A command; light as long as all its options are flags."""

    def get_params(self, ctx: Any) -> Any:
        params: list[Any] = [*super().get_params(ctx)]
        help_pages.spell_parameters(params)
        return params

    def get_help_option(self, ctx: Any) -> Any:
        return _false_by_default(super().get_help_option(ctx))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        help_pages.write_examples(formatter, self.epilog)

    def invoke(self, ctx: Any) -> Any:
        wording.speak_for(ctx)
        for name, value in ctx.params.items():
            if isinstance(value, Path):  # what may lie in a store is a text
                service.check_local(value, field=name)
        if not ctx.command_path.startswith(MANAGING):
            service.refuse_broken_plugins()
        return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands; its own options are flags, or lists of texts, which stay as typed."""

    def get_params(self, ctx: Any) -> Any:
        params: list[Any] = [*super().get_params(ctx)]
        help_pages.spell_parameters(params)
        for parameter in params:
            if parameter.multiple:
                parameter.process_value = partial(_as_typed, parameter)
        return params

    def get_help_option(self, ctx: Any) -> Any:
        return _false_by_default(super().get_help_option(ctx))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        help_pages.write_examples(formatter, self.epilog)


class CommandGroup(Group):
    """A command with others below it, which take its place where one of them is named."""

    def invoke(self, ctx: Any) -> Any:
        wording.speak_for(ctx)
        service.refuse_broken_plugins()
        return super().invoke(ctx)


def add(app: typer.Typer, name: str, function: Callable[..., Any], examples: str = "") -> None:
    """Add a command, with a line for each example."""
    app.command(name, cls=Command, epilog=examples)(function)


def add_with_others(
    app: typer.Typer, name: str, function: Callable[..., Any], examples: str, commands: Commands
) -> None:
    """Add a command that has others below it."""
    group = typer.Typer(cls=CommandGroup, invoke_without_command=True, epilog=examples)
    group.callback()(function)
    for command, other in commands.items():
        add(group, command, other)
    app.add_typer(group, name=name)


def add_group(
    app: typer.Typer,
    name: str,
    help: str,
    commands: Commands,
    examples: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add a group of commands by name, and examples of some."""
    group = typer.Typer(cls=Group, no_args_is_help=True, help=help)
    for command, function in commands.items():
        add(group, command, function, examples.get(command, ""))
    app.add_typer(group, name=name)


def is_another(context: typer.Context) -> bool:
    """Whether a command below a ``CommandGroup`` was named; options come after its name."""
    if context.invoked_subcommand is None:
        return False
    if typed := sorted(typed_flags(context)):
        raise BadInput(
            f"{', '.join(typed)} before '{context.invoked_subcommand}' has no meaning",
            hint=f"See {context.command_path} {context.invoked_subcommand} --help",
        )
    return True


def fields_of(context: typer.Context, *others: str) -> dict[str, Any]:
    """The parameters of a command that are fields of its request to the service."""
    apart = {"accept_licence", "accept_programs", "as_json", *others}
    return {name: value for name, value in context.params.items() if name not in apart}


def typed_flags(context: typer.Context) -> set[str]:
    """The options that were typed."""
    return {
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.param_type_name == "option"
        and parameter.name
        and "COMMANDLINE" in str(context.get_parameter_source(parameter.name))
    }


def _as_typed(option: Any, context: Any, value: Any) -> Any:
    return option.callback(context, option, value) if option.callback else value


def _false_by_default(option: Any) -> Any:
    if option is not None:
        option.default = False
    return option
