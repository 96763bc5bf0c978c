"""Generators and embedders by name: which are on this machine. No weights are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from c2l.errors import BadInput, C2LError
from c2l.fetching import find_missing
from c2l.places import place_of
from c2l.plugins import registry
from c2l.resolving import find_part
from c2l_registry import Interface, ModelEntry, Reference, parse_reference
from c2l_registry.paths import is_there


@dataclass(frozen=True)
class Presence:
    """Whether a part is here.

    Args:
        problem: why it is not; empty if it is.
        can_be_pulled: ``c2l models pull`` brings it.
    """

    problem: str = ""
    can_be_pulled: bool = False


class Shelf:
    """Looks each part up once."""

    def __init__(self) -> None:
        self.presence = cache(_presence)

    def names(self, interface: Interface, *, every: bool) -> list[str]:
        """The names of the catalogue: those that are here, or all of them."""
        entries = [entry for entry in registry().models(interface) if entry.card]
        return [e.reference for e in entries if every or self._is_here(e)]

    def _is_here(self, entry: ModelEntry) -> bool:
        if entry.state == "to be fetched" and entry.path is not None:
            return False
        return not self.presence(entry.reference).problem


def named(text: str, interface: Interface) -> str:
    """A reference as it is compared: of a file, with its kind and its whole path.

    Raises:
        BadInput: it is a part of another sort.
        BadReference, UnknownReference, PluginFailed, NotReadable
    """
    reference = registry().parse(text, interface)
    if reference.in_catalogue:
        spec, _ = registry().lookup(text)
        if spec.interface != interface:
            raise BadInput(
                f"{text} is one of the {spec.interface}s, not of the {interface}s",
                hint=f'List them: `c2l models list kind="{interface}"`',
                field=interface,
            )
        return text
    spec, source = find_part(text, interface)
    if reference.is_address:
        return str(source.reference)
    return str(Reference(spec.kind, str(source.path and source.path.resolve())))


def _presence(reference: str) -> Presence:
    try:
        parsed = parse_reference(reference)
        if parsed.is_path:
            registry().entry(parsed.kind)  # says what is wrong with its plugin
            there = is_there(parsed.path)
            return Presence() if there else Presence(f"there is no file {parsed.path}")
        if parsed.is_address:
            there = place_of(parsed.name).exists()
            return Presence() if there else Presence(f"there is no {parsed.name}")
        _, entry = registry().lookup(reference)
        if entry and entry.state == "missing":
            return Presence(f"the weights of {reference} are missing from their package")
        if find_missing([reference]):
            return Presence(f"{reference} is to be fetched", can_be_pulled=True)
    except C2LError as error:
        return Presence(error.message)
    return Presence()
