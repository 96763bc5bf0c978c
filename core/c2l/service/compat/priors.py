"""Priors, and what each was trained for: by its file, or by the recipe that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from c2l.errors import BadWeights, C2LError
from c2l.plugins import registry
from c2l.prior_file import PartCard, read_prior_card
from c2l.resolving import find_part, resolve_beside
from c2l.service.compat.parts import Presence
from c2l_registry import Reference, parse_reference


@dataclass(frozen=True)
class KnownPrior:
    """A prior, and the parts it was trained for.

    Args:
        reference: as a user may give it.
        generator, embedder: references, as ``named`` writes them; empty for a part without a name.
        presence: whether its file is here.
    """

    reference: str
    generator: str
    embedder: str
    presence: Presence


def known_priors(given: Sequence[str], *, every: bool) -> list[KnownPrior]:
    """The priors that a user gave, then those of the catalogue.

    Args:
        every: also those of recipes that are to be fetched.
    Raises:
        BadWeights: a file that was given is no prior, or does not say what it was trained for.
        BadReference, UnknownReference, PluginFailed, NotReadable: as for any reference.
    """
    found = {prior.reference: prior for prior in (_given(text) for text in given)}
    for prior in _of_the_catalogue():
        if every or not prior.presence.problem:
            found.setdefault(prior.reference, prior)
    return list(found.values())


def _given(text: str) -> KnownPrior:
    _, source = find_part(text, "prior")
    by_recipe = _of_recipes().get(text)
    try:
        if source.path is None:
            raise BadWeights(f"{text} does not say what it was trained for", hint="Give its file")
        return _of_file(text, source.path)
    except BadWeights:
        if by_recipe is None:
            raise
        return by_recipe


def _of_the_catalogue() -> Iterator[KnownPrior]:
    recipes = _of_recipes()
    for entry in registry().models("prior"):
        if entry.card is None:
            continue
        here = entry.state in ("embedded", "cached")
        if here and entry.path:
            with suppress(C2LError):  # in the format of others, which names no parts
                yield _of_file(entry.reference, entry.path)
                continue
        if entry.reference in recipes:
            yield recipes[entry.reference]


def _of_recipes() -> dict[str, KnownPrior]:
    found = {}
    for card in registry().recipes().values():
        with suppress(C2LError):  # of a plugin that is not here, or broken
            _, entry = registry().lookup(card.prior)
            here = entry is not None and entry.state in ("embedded", "cached")
            problem = "" if here else f"{card.prior} is to be fetched"
            presence = Presence(problem, can_be_pulled=not here)
            found[card.prior] = KnownPrior(card.prior, card.generator, card.embedder, presence)
    return found


def _of_file(reference: str, path: Path) -> KnownPrior:
    card = read_prior_card(path)
    folder = path.absolute().parent
    return KnownPrior(
        reference, _whole(card.generator, folder), _whole(card.embedder, folder), Presence()
    )


def _whole(part: PartCard, folder: Path) -> str:
    """The reference of a part; that of a file with its whole path."""
    text = resolve_beside(part.reference, folder)
    with suppress(C2LError):
        reference = parse_reference(text)
        if reference.is_path:
            return str(Reference(reference.kind, str(reference.path.resolve())))
    return text
