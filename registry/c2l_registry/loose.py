"""Loose files: Python files that a user names, in ``C2L_PLUGINS``, as plugins without a package.

Such a file is a plugin like those that are installed: described in a child process, remembered,
listed, and imported when something of it is used. It offers what its hooks register; what it gives
to ``c2l.register_generator`` and its siblings; and every other class that it derives from one of
the interfaces, under the class's ``kind``, or else its name: ``MyGAN`` is ``my-gan``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from c2l_registry.errors import BadPath
from c2l_registry.kinds import Interface, KindSpec
from c2l_registry.module_search import find_module
from c2l_registry.paths import expand_path
from c2l_registry.plugins import PluginRecord, left_out

FILES = "C2L_PLUGINS"

_SHA256 = "#sha256="

_collected: ContextVar[list[KindSpec] | None] = ContextVar("collected", default=None)


def named_files(environ: Mapping[str, str]) -> list[str]:
    """The paths in ``C2L_PLUGINS``, separated as in ``PATH``, each once."""
    given = environ.get(FILES, "").split(os.pathsep)
    return list(dict.fromkeys(path.strip() for path in given if path.strip()))


def find_files(group: str, environ: Mapping[str, str]) -> list[tuple[PluginRecord, EntryPoint]]:
    """The named files as plugins, before they are described, in their order."""
    rows: list[tuple[PluginRecord, EntryPoint]] = []
    disabled = left_out(environ)
    for given in named_files(environ):
        record = _record(given)
        if record.name in disabled.names:
            record = replace(record, state="disabled", error=disabled.by)
        elif record.module and record.module in [other.module for other, _ in rows]:
            wrong = "another file has its name; rename one of them"
            record = replace(record, state="failed", error=wrong)
        rows.append((record, EntryPoint(record.name, record.module, group)))
    return rows


def _record(given: str) -> PluginRecord:
    """The record of a file; a failed one if it cannot be a plugin."""
    record = PluginRecord(Path(given).name, given, "", "failed", file=given)
    try:
        path = expand_path(given)
        content = path.read_bytes()
    except (BadPath, OSError) as error:
        return replace(record, error=getattr(error, "strerror", None) or str(error))
    digest = hashlib.sha256(content).hexdigest()
    record = replace(record, sha256=digest, version=digest[:12], module=_module_name(path))
    if path.suffix != ".py":
        return replace(record, error="it is not a .py file")
    there = find_module(record.module)
    if there is not None and not _is_file(there.origin, path):
        wrong = f"its name is that of the module {record.module}; rename the file"
        return replace(record, error=wrong)
    return replace(record, state="available")


def import_file(record: PluginRecord) -> ModuleType:
    """Import a loose file under its own name; its folder is searched for modules, last of all."""
    path = expand_path(record.file).absolute()
    known = sys.modules.get(record.module)
    if known is not None and _is_file(getattr(known, "__file__", None), path):
        return known
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(record.module, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[record.module] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[record.module]
        raise
    return module


@contextmanager
def collecting() -> Iterator[list[KindSpec]]:
    """Within this block, kinds that are registered one by one are only collected."""
    kinds: list[KindSpec] = []
    token = _collected.set(kinds)
    try:
        yield kinds
    finally:
        _collected.reset(token)


def collected() -> list[KindSpec] | None:
    """The kinds of the innermost ``collecting``; None outside of any."""
    return _collected.get()


def classes_in(module: ModuleType, bases: Mapping[str, Interface]) -> Iterator[KindSpec]:
    """The kinds of the classes that a module defines itself, in their order.

    Args:
        bases: the interfaces by dotted path, as in ``c2l.generator:Generator``.
    """
    for name, cls in vars(module).items():
        own = isinstance(cls, type) and cls.__module__ == module.__name__
        if own and not name.startswith("_") and not inspect.isabstract(cls):
            for base in cls.__mro__[1:]:
                if interface := bases.get(f"{base.__module__}:{base.__qualname__}"):
                    yield spec_of_class(cls, interface)


def spec_of_class(cls: type[Any], interface: Interface, kind: str = "") -> KindSpec:
    """The description of a class: its kind is the one given, its own ``kind``, or its name.

    Raises:
        ValueError: the kind does not have the form of one.
    """
    kind = kind or vars(cls).get("kind") or kind_of_name(cls.__name__)
    said = (vars(cls).get("__doc__") or "").strip().partition("\n")[0].replace("``", "")
    return KindSpec(
        kind, interface, f"{cls.__module__}:{cls.__name__}", said or f"The class {cls.__name__}"
    )


def kind_of_name(name: str) -> str:
    """``my-gan`` of ``MyGAN``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return re.sub(r"-(\d)", r"\1", "-".join(words).lower())


def where_in_file(error: BaseException, record: PluginRecord) -> str:
    """``line 3: `` for an error that a loose file raises; empty for another one."""
    if not record.file:
        return ""
    path = expand_path(record.file).absolute()
    if isinstance(error, SyntaxError) and _is_file(error.filename, path):
        return f"line {error.lineno}: "
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if _is_file(frame.filename, path)]
    return f"line {lines[-1]}: " if lines else ""


def package_of_file(record: PluginRecord) -> str:
    """How cards of parts name a loose file: ``./my_gan.py#sha256=…``."""
    return f"{record.file}{_SHA256}{record.sha256}"


def file_of_package(package: str) -> tuple[str, str] | None:
    """Path and sha256 of a loose file that provides a part; None for a package."""
    path, mark, sha256 = package.rpartition(_SHA256)
    return (path, sha256) if mark else None


def _module_name(path: Path) -> str:
    return re.sub(r"\W|^(?=\d)", "_", path.stem)


def _is_file(found: str | None, path: Path) -> bool:
    try:
        return found is not None and os.path.samefile(found, path)
    except OSError:
        return False
