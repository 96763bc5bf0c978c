"""Fields as flags: what the rest of c2l calls `guidance`, the command line calls --guidance.

Texts from elsewhere name values by their fields, in backquotes: `guidance`, `num=1`, `half=False`,
`settings={"hidden": 512}`, or a command with its fields, `c2l pairs num=20000 out="faces"`. The
parameters of a command's function are named as the fields are.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from typing import Any

_QUOTED = re.compile(r"`([^`\n]+)`")
_VALUE = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\{[^}]*\}|\([^)]*\)|\[[^\]]*\]|[^\s]+"
_FIELD = re.compile(rf"([a-z_]\w*)(?:\.(\w+))?(?:=({_VALUE}))?")
_WORD = re.compile(rf"[a-z_]\w*=(?:{_VALUE})|[^\s]+")

_NO_NUMBER = {"a valid integer": "a whole number", "a valid number": "a number"}
"""What an option takes, by what pydantic says of words that are no number."""

_context: Any = None


def speak_for(context: Any) -> None:
    """Use the flags of this context's command in messages from now on; None for no command."""
    global _context
    _context = context


def in_flags(text: str) -> str:
    """A text with its fields as the flags of the command that is running."""
    if _context is None:
        return translate(text, None, None)
    return translate(text, _context.command, _context.find_root().command)


def translate(text: str, command: Any, root: Any) -> str:
    """A text with its fields as flags.

    Args:
        command: whose flags; None for none, which leaves fields as they are.
        root: the group of all commands, for texts that name another one.
    """
    return _QUOTED.sub(lambda quoted: _spoken(quoted[1], command, root), text)


def usage_line(error: Any) -> str:
    """Typer's message about wrong options, in the shape of all other errors."""
    message = error.format_message().strip().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "c2l"
    if message.startswith("Usage:"):
        return message
    for theirs, ours in _NO_NUMBER.items():
        if theirs in message and (parameter := getattr(error, "param", None)) is not None:
            message = f"{max(parameter.opts, key=len)} takes {ours}"
    if "unexpected extra argument" in message and _takes_prompt(context):
        message = f"{message.rstrip('.')}. Put a prompt of several words in quotes"
    stop = "" if message.endswith("?") else "."
    return f"{message.rstrip('.')}{stop} See: {command} --help"


def _takes_prompt(context: Any) -> bool:
    parameters = context.command.params if context else ()
    return any((p.name, p.param_type_name) == ("prompt", "argument") for p in parameters)


def _spoken(text: str, command: Any, root: Any) -> str:
    if text.startswith("c2l ") and root is not None:
        return _command_line(text, root)
    field = _FIELD.fullmatch(text)
    return (field and _flag(field[1], field[2], field[3], command)) or text


def _command_line(text: str, root: Any) -> str:
    """``c2l pairs num=5`` as ``c2l pairs --num 5``."""
    command, words = root, ["c2l"]
    for word in _WORD.findall(text)[1:]:
        command = getattr(command, "commands", {}).get(word, command)
        words.append(_spoken(word, command, None))
    return " ".join(words)


def _flag(name: str, key: str | None, value: str | None, command: Any) -> str | None:
    """A field, with its value if it has one, as a flag; None if the command has no such field."""
    parameter = next((p for p in getattr(command, "params", ()) if p.name == name), None)
    if parameter is None:
        return None
    given = _parsed(value)
    if key is not None and not key.isdigit():  # `settings.hidden=0`: one entry of a table
        given = {key: given} if value is not None else key
    if parameter.param_type_name == "argument":
        return _shown(given) if given is not None else name
    flag: str = max(parameter.opts, key=len)
    if given is False and parameter.secondary_opts:
        return str(parameter.secondary_opts[0])
    if given is None or isinstance(given, bool):
        return flag
    if isinstance(given, Mapping):
        return " ".join(f"{flag} {_shown(f'{k}={v}')}" for k, v in given.items())
    if parameter.multiple and isinstance(given, (list, tuple)):
        return " ".join(f"{flag} {_shown(item)}" for item in given)
    return f"{flag} {_shown(given)}"


def _parsed(value: str | None) -> Any:
    if value is None:
        return None
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value) if value == "…" else shlex.quote(str(value))
