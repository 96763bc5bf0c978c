"""Finds the class of a part and its file by reference. Nothing is loaded here."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from c2l.errors import (
    BadPath,
    BadReference,
    BadWeights,
    C2LError,
    NotReadable,
    PluginFailed,
    UnknownReference,
    spell_fields,
)
from c2l.generator import Generator
from c2l.guard import blaming
from c2l.part import Part
from c2l.places import Place, kept_copy, naming, place_of
from c2l.plugins import registry
from c2l.prior_file import read_prior_card
from c2l.reading import refuse_stand_in, unwrapped
from c2l_registry import Interface, KindSpec, Reference, Source, parse_reference
from c2l_registry.loose import file_of_package
from c2l_registry.paths import check_given, is_there


def find_part(reference: str, interface: Interface) -> tuple[KindSpec, Source]:
    """The kind that a reference names, and where its weights are.

    A bare path is offered to every kind of the interface; exactly one must recognise the file. Of
    what lies in a store, there is a copy on this machine then, for as long as this process runs.

    Raises:
        BadReference, BadPath, UnknownReference, NotReadable, NotDownloaded, PluginFailed
        MissingDependency, StoreRefused, StoreUnreachable: of an address.
        BadWeights: the file cannot be weights, for example a web page.
    """
    if Reference("", reference).in_catalogue:
        spec, source = registry().resolve(reference, interface)
        if source.reference.is_address:
            source = dataclasses.replace(source, path=_file_of(source.reference))
        if source.path is not None:
            with naming_by(source):
                refuse_stand_in(source.path)
        return spec, source
    bare = parse_reference(reference)
    path = _file_of(bare)
    source = Source(bare, path, None)
    with naming_by(source):
        refuse_stand_in(path)
        with unwrapped(path) as inner:
            spec = _recognise(inner, interface)
    return spec, dataclasses.replace(source, reference=Reference(spec.kind, bare.name))


def naming_by(source: Source) -> AbstractContextManager[None]:
    """A context in which errors call what lies in a store by its address, not by its copy."""
    if source.path is None or not source.reference.is_address:
        return nullcontext()
    return naming(source.path, place_of(source.reference.name))


def _file_of(reference: Reference) -> Path:
    """The file of a reference that is a path or an address."""
    place = place_of(reference.name) if reference.is_address else reference.path
    if isinstance(place, Path):
        return check_given(place)
    try:
        return kept_copy(place)
    except FileNotFoundError:
        raise UnknownReference(f"there is no {place}", hint="Check the address") from None


def find_generator(reference: str) -> tuple[type[Generator], Path]:
    """The class of a generator and the file it would be loaded from.

    Raises:
        As ``find_part``.
    """
    spec, source = find_part(reference, "generator")
    cls = registry().factory(spec)
    if source.path is None or not (isinstance(cls, type) and issubclass(cls, Generator)):
        raise BadReference(f"{reference} names no file", hint="Give the path of one")
    return cls, source.path


def resolve_beside(reference: str, *folders: Place) -> str:
    """Resolve a reference that was read from a file, also relative to that file.

    A relative path in a prior, a picture or a manifest starts at the folder in which that was made.
    From there it works as it is. From elsewhere it works if the parts lie beside the file that
    names them, as they do if all were moved together.

    Args:
        folders: where to look: the file's own, and others that move with it.
    Returns:
        ``reference`` itself, or with the absolute path of a part found in one of the folders.
    """
    try:
        named = parse_reference(reference)
        if not named.is_path or named.path.is_absolute() or is_there(named.path):
            return reference
        for folder in folders:
            if _is_file(near := folder.absolute() / named.path):
                return str(Reference(named.kind, str(near)))
    except (BadReference, BadPath, NotReadable):
        pass  # loading it will say what is wrong
    return reference


def _is_file(place: Place) -> bool:
    return is_there(place) if isinstance(place, Path) else place.is_file()


def own_folder(reference: str) -> tuple[Place, ...]:
    """The folder of the file that a reference names, if it names one."""
    kind, _, name = reference.partition(":")
    for own in (Reference("", reference), Reference(kind, name)):
        if own.is_path:
            return (own.path.parent,)
        if own.is_address:
            return (place_of(own.name).parent,)
    return ()


def how_to_get(package: str, folders: Sequence[Place] = ()) -> str:
    """What to do for a kind that a package or a loose file provides; empty if nothing is known.

    Code is run only if the user names it, never because a file does.

    Args:
        package: as ``Part.package``.
        folders: where a loose file is looked for, besides where it was. No code is taken from a
            store.
    """
    if (loose := file_of_package(package)) is not None:
        path, sha256 = loose
        local = [folder for folder in folders if isinstance(folder, Path)]
        found = resolve_beside(path if Reference("", path).is_path else f"./{path}", *local)
        return (
            f"It comes from the file {path} (sha256 {sha256[:12]}…). If you trust that, load it: "
            f"`c2l {spell_fields({'plugin': found})} …`"
        )
    return f"Install it again: pip install {package}" if package not in ("", "c2l") else ""


def _recognise(path: Path, interface: Interface) -> KindSpec:
    """The one kind that recognises the file."""
    named = _kind_in_file(path) if interface == "prior" else None
    matches, failures = ([named], []) if named else _offer(path, interface)
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(f"{spec.kind}:{path}" for spec in matches)
        raise UnknownReference(
            f"more than one plugin recognises {path}", hint=f"Write one of {names}"
        )
    raise UnknownReference(
        "; ".join([f"no {interface} plugin recognises {path}", *failures]),
        hint=f"Name its kind, as in KIND:{path}. List the kinds: c2l models list",
    )


def _kind_in_file(path: Path) -> KindSpec | None:
    """The kind that is named in a prior's file; None if it is another sort of file."""
    try:
        card = read_prior_card(path)
    except BadWeights:
        if path.suffix == ".safetensors":
            raise
        return None
    kind = card.kind
    if kind in (kinds := registry().kinds("prior")):
        return kinds[kind]
    try:
        registry().entry(kind)  # says whether its plugin is disabled, broken or not installed
    except C2LError as error:
        raise UnknownReference(
            f"{path} is a prior of kind {kind}: {error.message}",
            hint=how_to_get(card.training.get("plugin", ""), [path.parent])
            or f"Install the plugin that provides {kind}. {error.hint}",
        ) from error
    raise UnknownReference(f"{path} names the kind {kind}, which is not a kind of prior here")


def _offer(path: Path, interface: Interface) -> tuple[list[KindSpec], list[str]]:
    """The kinds that recognise a file, and why others could not be asked."""
    matches, failures = [], []
    for spec in registry().kinds(interface).values():
        try:
            cls = registry().factory(spec)
            with blaming(cls, "recognises"):
                if issubclass(cls, Part) and cls.recognises(path):
                    matches.append(spec)
        except PluginFailed as error:
            failures.append(error.message)
    return matches, failures
