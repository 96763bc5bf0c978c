"""Whether a module is there, without importing it or a package that holds it."""

from __future__ import annotations

import re
import sys
from importlib.machinery import ModuleSpec, PathFinder

_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def find_module(name: str) -> ModuleSpec | None:
    """The specification of a module; None if there is none."""
    spec: ModuleSpec | None = None
    path = None
    first, *rest = name.split(".")
    if not rest and first in sys.builtin_module_names:
        return ModuleSpec(first, None)
    for index in range(len(rest) + 1):
        spec = PathFinder.find_spec(".".join([first, *rest[:index]]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and index < len(rest):
            return None  # a module, not a package
    return spec


def missing_module(error: str) -> str:
    """The module that an error, in one line, does not find; empty for another error."""
    found = _MISSING.match(error)
    return found[1] if found else ""
