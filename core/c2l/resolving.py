"""Finds the class of a part and its file by reference. Nothing is loaded here."""

from __future__ import annotations

from collections.abc import Sequence
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
from c2l.plugins import registry
from c2l.prior_file import read_prior_card
from c2l.reading import refuse_stand_in, unwrapped
from c2l_registry import Interface, KindSpec, Reference, Source, parse_reference
from c2l_registry.loose import file_of_package
from c2l_registry.paths import check_given, is_there


def find_part(reference: str, interface: Interface) -> tuple[KindSpec, Source]:
    """The kind that a reference names, and where its weights are.

    A bare path is offered to every kind of the interface; exactly one must recognise the file.

    Raises:
        BadReference, BadPath, UnknownReference, NotReadable, NotDownloaded, PluginFailed
        BadWeights: the file cannot be weights, for example a web page.
    """
    if not Reference("", reference).is_path:
        spec, source = registry().resolve(reference, interface)
        if source.path is not None:
            refuse_stand_in(source.path)
        return spec, source
    bare = parse_reference(reference)
    path = check_given(bare.path)
    refuse_stand_in(path)
    with unwrapped(path) as inner:
        spec = _recognise(inner, interface)
    return spec, Source(Reference(spec.kind, bare.name), path, None)


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


def resolve_beside(reference: str, *folders: Path) -> str:
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
        if not named.is_path or is_there(named.path):
            return reference
        for folder in folders:
            near = folder.absolute() / named.path
            if is_there(near):
                return str(Reference(named.kind, str(near)))
    except (BadReference, BadPath, NotReadable):
        pass  # loading it will say what is wrong
    return reference


def own_folder(reference: str) -> tuple[Path, ...]:
    """The folder of the file that a reference names, if it names one."""
    kind, _, name = reference.partition(":")
    own = next((r for r in (Reference("", reference), Reference(kind, name)) if r.is_path), None)
    return (own.path.parent,) if own else ()


def how_to_get(package: str, folders: Sequence[Path] = ()) -> str:
    """What to do for a kind that a package or a loose file provides; empty if nothing is known.

    Code is run only if the user names it, never because a file does.

    Args:
        package: as ``Part.package``.
        folders: where a loose file is looked for, besides where it was.
    """
    if (loose := file_of_package(package)) is not None:
        path, sha256 = loose
        found = resolve_beside(path if Reference("", path).is_path else f"./{path}", *folders)
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
