"""Typer commands that start without pydantic.

Typer converts values with pydantic, whose import takes longer than a whole ``c2l plugins list``.
Flags that are already true or false need no conversion; the one that Typer adds itself,
``--help``, is None when it is not given. These classes make it false.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class LightCommand(TyperCommand):
    """A command; light as long as all its options are flags."""

    def get_help_option(self, ctx: Any) -> Any:
        return _false_by_default(super().get_help_option(ctx))


class LightGroup(TyperGroup):
    """A group of commands."""

    def get_help_option(self, ctx: Any) -> Any:
        return _false_by_default(super().get_help_option(ctx))


def _false_by_default(option: Any) -> Any:
    if option is not None:
        option.default = False
    return option
