"""Checks parts against the laws of their interface, for front ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from c2l.conformance import Report, check, check_all, check_file
from c2l.errors import BadInput, PluginFailed
from c2l.plugins import registry
from c2l.service.consent import load_with_consent
from c2l_registry import Reference

if TYPE_CHECKING:
    from c2l.service.consent import Ask


def check_parts(part: str | None, *, all: bool = False, ask: Ask | None = None) -> Iterator[Report]:
    """Check a part by reference, those of a loose file, or all that are on this machine.

    Args:
        part: ``kind:name``, a file of weights, the kind of a prior, or the path of a ``.py`` file.
        ask: called if the part is a program; returns whether to run it.
    Raises:
        BadInput: both, or neither.
        As ``load_with_consent``.
    """
    if all == (part is not None):
        raise BadInput(
            "name one part, or check all",
            hint="Give `part`, as in `c2l check part=stylegan:demo-faces`, or `all`",
            field="part",
        )
    if part is None:
        yield from check_all()
    elif part.endswith(".py") and (":" not in part or Reference("", part).is_path):
        yield from check_file(Path(part).expanduser())
    else:
        yield load_with_consent(lambda: check(part), ask)


def check_plugin(name: str) -> Iterator[Report]:
    """Check the kinds of one installed plugin, as far as they are on this machine.

    Raises:
        UnknownPlugin: it is not installed.
        PluginFailed: it cannot be used.
        BadInput: nothing that it offers is here to be checked.
    """
    record = registry().plugin(name)
    if record.state != "available":
        reason = record.error or record.state
        raise PluginFailed(f"plugin {name}: {reason}", hint=f"See 'c2l plugins show {name}'")
    reports = list(check_all(record.kinds))
    if not reports:
        raise BadInput(
            f"nothing of plugin {name} is on this machine to check",
            hint="Fetch one of its models with 'c2l models pull', or name a file: `c2l check`",
        )
    yield from reports
