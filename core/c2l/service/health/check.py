"""Looks at everything, whatever else is broken."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from c2l.errors import C2LError
from c2l.plugins import registry
from c2l.service.health.findings import Health, Problem
from c2l.service.health.machine import (
    look_at_environment,
    look_at_home,
    look_at_network,
    look_at_terminal,
    look_at_torch,
)
from c2l.service.health.packages import look_at_dependencies, look_at_python
from c2l.service.health.privacy import without_secrets
from c2l.service.plugin_packages import lost_packages


def check_health() -> Health:
    """Look at Python, torch, plugins, folders and the environment; the network is not used.

    Returns:
        Texts that can be shown to others: home folders are ``~``, names and tokens are gone.
    """
    health = Health()
    environ = registry().environ
    looks: dict[str, Callable[[Health], None]] = {
        "Python": look_at_python,
        "the packages c2l needs": look_at_dependencies,
        "torch": look_at_torch,
        "plugins": _look_at_plugins,
        "the folder for weights": partial(look_at_home, environ=environ),
        "the network": partial(look_at_network, environ=environ),
        "the environment": partial(look_at_environment, environ=environ),
        "the terminal": look_at_terminal,
    }
    for name, look in looks.items():
        try:
            look(health)
        except C2LError as error:
            health.tell(error.message, error.hint)
        except Exception as error:  # whatever is broken, the rest is looked at
            health.tell(f"cannot look at {name}: {type(error).__name__}: {error}", "Report this")
    problems = [
        Problem(without_secrets(found.problem), without_secrets(found.hint))
        for found in health.problems
    ]
    return Health(problems, without_secrets(health.facts))


def _look_at_plugins(health: Health) -> None:
    health.facts["plugins"] = [
        f"{record.name} ({record.dist} {record.version}): {record.state}"
        + (f", {record.error}" if record.error else "")
        for record in registry().describe(cards=True)
    ]
    for error in [*registry().problems(cards=True), *registry().unknown_disabled()]:
        health.tell(error.message, error.hint or "See more: c2l plugins list")
    if lost := lost_packages():
        health.tell(
            f"plugins were installed here and are gone: {', '.join(lost)}",
            "Install them again: c2l plugins restore",
        )
