"""How a part is made anew, as often as laws need it, and in another process if it can be."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.loading import load_unwatched
from c2l.part import Part
from c2l.plugins import registry
from c2l.prior import Prior
from c2l_registry import Interface

BASES: Mapping[Interface, type[Any]] = {
    "generator": Generator,
    "embedder": Embedder,
    "prior": Prior,
}


class Maker(Protocol):
    """Makes what is checked: a part, or the class of a prior."""

    @property
    def name(self) -> str:
        """How a report calls it."""

    @property
    def kind(self) -> str:
        """The kind whose plugin offers it; empty if none does."""

    @property
    def stays_here(self) -> str:
        """Why no other process can make it; empty if one can."""

    def __call__(self) -> Any: ...


@dataclass(frozen=True)
class ByReference:
    """Loads what a reference names, on the CPU, where every number can be compared."""

    reference: str
    interface: Interface

    @property
    def name(self) -> str:
        return self.reference

    @property
    def kind(self) -> str:
        return self.reference.partition(":")[0]

    @property
    def stays_here(self) -> str:
        return _alive(self.reference)

    def __call__(self) -> Any:
        return load_unwatched(self.reference, self.interface, BASES[self.interface])


@dataclass(frozen=True)
class ByKind:
    """Imports the class of a kind."""

    kind: str

    @property
    def name(self) -> str:
        return self.kind

    @property
    def stays_here(self) -> str:
        return _alive(self.kind)

    def __call__(self) -> Any:
        return registry().factory(registry().kinds()[self.kind])


@dataclass(frozen=True)
class ByImport:
    """Imports a class or a function and, unless it is the class of a prior, calls it.

    Args:
        file: of a module that is no part of a package.
    """

    module: str
    qualname: str
    file: Path | None = None
    stays_here = ""
    kind = ""

    @property
    def name(self) -> str:
        return f"{self.file or self.module}:{self.qualname}"

    @property
    def target(self) -> Any:
        module = import_file(self.file) if self.file else importlib.import_module(self.module)
        return functools.reduce(getattr, self.qualname.split("."), module)

    def __call__(self) -> Any:
        return _made(self.target)


@dataclass(frozen=True)
class ByCalling:
    """Calls a factory that exists in this process alone, such as a lambda."""

    factory: Callable[[], Any]
    stays_here = "another process cannot import the factory"
    kind = ""

    @property
    def name(self) -> str:
        return str(getattr(self.factory, "__qualname__", None) or repr(self.factory))

    def __call__(self) -> Any:
        return _made(self.factory)


def _alive(reference: str) -> str:
    return "it lives in this process alone" if registry().lives_here(reference) else ""


def _made(factory: Callable[[], Any]) -> Any:
    if not isinstance(factory, type):
        return factory()
    if issubclass(factory, Prior):
        return factory
    made = factory()
    # A constructor makes what can be trained; ``load`` makes what can be used.
    return made.eval().requires_grad_(False) if isinstance(made, Part) else made


def maker_of(factory: Callable[..., Any]) -> ByImport | ByCalling:
    """Makes what a factory makes, elsewhere too if it is a name of an importable module."""
    module, qualname = getattr(factory, "__module__", ""), getattr(factory, "__qualname__", "")
    made = ByImport(module, qualname)
    try:
        portable = _is_found(module) and made.target is factory
    except (AttributeError, ImportError, ValueError, TypeError):
        portable = False
    return made if portable else ByCalling(factory)


def _is_found(module: str) -> bool:
    """Whether another process finds a module: pytest makes up names for those of tests."""
    first = module.partition(".")[0]
    finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return any(finder.find_spec(first, None) for finder in finders)


def import_file(path: Path) -> ModuleType:
    """Import a loose file as a module, once in a process."""
    name = f"c2l_checked_{hashlib.sha256(bytes(path.resolve())).hexdigest()[:12]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
