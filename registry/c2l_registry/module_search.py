"""Whether a module is there, without importing it or a package that holds it."""

from __future__ import annotations

import ast
import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

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


def lacks(module: ModuleSpec, name: str) -> bool:
    """Whether a module certainly has no such name, by its source; nothing is imported."""
    if not (module.origin or "").endswith(".py"):
        return False
    try:
        tree = ast.parse(Path(module.origin or "").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False  # importing it will say what is wrong
    given: set[str] = set()
    for node in ast.walk(tree):  # a name may be bound below an `if` or a `try`
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            given.add(node.name)
        elif isinstance(node, ast.Name):
            given.add(node.id)
        elif isinstance(node, ast.alias):
            given.add(node.asname or node.name)
    # `from x import *`, a module's own `__getattr__`, `globals()["…"] = …`: who knows what it has.
    return given.isdisjoint({name, "*", "__getattr__", "globals", "setattr", "exec"})
