"""Which versions of c2l a plugin works with: by its package's metadata, or by its own word."""

from __future__ import annotations

import ast
import importlib.metadata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

ATTRIBUTE = "requires_c2l"
"""What a plugin's module may say: ``requires_c2l = ">=1,<2"``."""


class WrongVersion(Exception):
    """A plugin that needs another version of the host."""


def refused_by_metadata(requires: Iterable[str], host: str) -> str:
    """Why a package does not fit the host that is installed; empty if it does.

    Args:
        requires: its ``Requires-Dist`` lines.
        host: the name of the host's package.
    """
    wanted = [line for line in requires if line.lower().startswith(host)]
    if not wanted:
        return ""
    from packaging.requirements import Requirement

    for line in wanted:
        with suppress(ValueError):  # whatever packaging finds wrong with the line
            requirement = Requirement(line)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if requirement.name.lower() == host and applies:
                return _refused(str(requirement.specifier), host)
    return ""


def check_wish(wish: object, host: str) -> None:
    """Hold the host's version against a module's ``requires_c2l``; None wants nothing.

    Raises:
        WrongVersion: it wants another one.
        ValueError: it is not a specifier of versions.
    """
    if wish is None:
        return
    from packaging.specifiers import InvalidSpecifier

    try:
        refused = _refused(wish, host) if isinstance(wish, str) else None
    except InvalidSpecifier:
        refused = None
    if refused is None:
        raise ValueError(f"{ATTRIBUTE} = {wish!r} names no versions, as '>=1,<2' does")
    if refused:
        raise WrongVersion(refused)


def wish_in_source(path: str | None) -> object:
    """What a module's source gives ``requires_c2l``, without running it; None for nothing.

    A plugin for another c2l may well fail while it is imported, and says why only in this way.
    """
    try:
        tree = ast.parse(Path(path or "").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == ATTRIBUTE for target in targets):
            with suppress(ValueError, TypeError):  # computed: seen once it is imported
                return ast.literal_eval(getattr(node, "value", None) or "")
    return None


def _refused(specifier: str, host: str) -> str:
    from packaging.specifiers import SpecifierSet

    versions = SpecifierSet(specifier)
    with suppress(importlib.metadata.PackageNotFoundError):
        installed = importlib.metadata.version(host)
        if not versions.contains(installed, prereleases=True):
            return f"it needs {host}{versions}, but this is {host} {installed}"
    return ""
