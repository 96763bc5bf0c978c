"""Finds what is to be checked: behind a reference or a factory, in a file, or on this machine."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from c2l.conformance.making import (
    BASES,
    ByImport,
    ByKind,
    ByReference,
    Maker,
    import_file,
    maker_of,
)
from c2l.conformance.subjects import PriorSubject, Subject
from c2l.errors import BadInput, PluginFailed, UnknownReference
from c2l.part import Part
from c2l.plugins import registry
from c2l.resolving import find_part
from c2l_registry import Interface, KindSpec, Reference, Source
from c2l_registry.describing import one_line
from c2l_registry.paths import check_given
from c2l_registry.wording import a_type_of


def subject_of(what: str | Callable[..., Any]) -> Subject[Any]:
    """The subject behind a reference or a factory.

    Raises:
        BadInput: it is neither.
        C2LError: a reference that cannot be loaded, where that is not its plugin's fault.
    """
    if isinstance(what, str):
        return _behind(what)
    if isinstance(what, Part):
        raise BadInput(
            f"{a_type_of(what)} is a part; laws make several",
            hint="Give a function that makes one: check(lambda: MyGAN(...))",
        )
    if not callable(what):
        raise BadInput(f"{a_type_of(what)} is neither a reference nor makes parts")
    return _made_by(maker_of(what), what)


def subjects_in(path: Path) -> Iterator[Subject[Any]]:
    """The parts that a loose file defines.

    Raises:
        UnknownReference, PluginFailed
    """
    if not path.is_file():
        raise UnknownReference(f"there is no file {path}", hint="Check the path")
    try:
        module = import_file(path)
    except (Exception, SystemExit) as error:
        raise PluginFailed(f"{path} cannot be imported: {one_line(error)}") from error
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Part)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
    if not classes:
        raise PluginFailed(f"{path} defines no generator, embedder or prior")
    for cls in classes:
        yield _made_by(ByImport(module.__name__, cls.__qualname__, path.absolute()), cls)


def subjects_here(kinds: Collection[str] | None = None) -> Iterator[Subject[Any]]:
    """What the installed plugins offer, as far as it is on this machine; of some kinds or all."""
    for spec in registry().kinds().values():
        if spec.interface == "direction" or (kinds is not None and spec.kind not in kinds):
            continue
        if spec.interface == "prior":
            yield PriorSubject(ByKind(spec.kind))
            continue
        entries = [e for e in registry().models(spec.interface) if e.kind == spec.kind and e.card]
        own = [entry.reference for entry in entries if entry.state in ("embedded", "built in")]
        fetched = [entry for entry in entries if entry.state == "cached"]
        fetched.sort(key=lambda entry: (entry.card and entry.card.size) or 0)
        for reference in own or [entry.reference for entry in fetched[:1]]:
            yield Subject(ByReference(reference, spec.interface), spec.interface)


def _behind(reference: str) -> Subject[Any]:
    kinds = registry().kinds()
    if reference in kinds and kinds[reference].interface == "prior":
        return PriorSubject(ByKind(reference))
    parsed = registry().parse(reference)
    # Of a kind that nobody has, ``find_part`` says what is wrong with it.
    interface = kinds[parsed.kind].interface if parsed.kind in kinds else "generator"
    if interface == "direction":
        raise BadInput(f"{reference} is a direction, and laws are of parts")
    spec, source = find_part(reference, interface) if parsed.kind else _recognised(parsed)
    interface = spec.interface
    maker = ByReference(str(source.reference), interface)
    if interface == "prior":
        return PriorSubject(ByKind(spec.kind), loader=maker)
    return Subject(maker, interface)


def _recognised(file: Reference) -> tuple[KindSpec, Source]:
    """What a file is whose kind is not said.

    Raises:
        UnknownReference: there is none, or nothing recognises it.
    """
    if file.is_path:
        check_given(file.path)
    for interface in BASES:
        with contextlib.suppress(UnknownReference):
            return find_part(str(file), interface)
    raise UnknownReference(
        f"no plugin recognises {file}",
        hint=f"Name its kind, as in KIND:{file}. List the kinds: c2l models list",
    )


def _made_by(maker: Maker, factory: Any) -> Subject[Any]:
    if isinstance(factory, type):
        interface = _interface_of(factory)
        return PriorSubject(maker) if interface == "prior" else Subject(maker, interface)
    part = maker()
    interface = _interface_of(type(part))
    if interface == "prior":
        return PriorSubject(maker_of(type(part)), settings=dict(part.settings()), name=maker.name)
    return Subject(maker, interface, part)


def _interface_of(cls: type[Any]) -> Interface:
    for interface, base in BASES.items():
        if issubclass(cls, base):
            return interface
    raise BadInput(f"a {cls.__name__} is neither a c2l.Generator, a c2l.Embedder nor a c2l.Prior")
