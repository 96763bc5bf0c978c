"""Weights of the catalogue on this machine: pulled, verified and removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from c2l.errors import BadInput, BadWeights, NotDownloaded
from c2l.kept_directions import forget_direction, is_kept, name_in, place_of
from c2l.plugins import registry
from c2l.service.catalogue import parts_of_recipe
from c2l_registry.checksums import first_seen
from c2l_registry.consent import consent_file
from c2l_registry.paths import is_there
from c2l_registry.removal import is_kept_elsewhere, remove_files
from c2l_registry.verification import verify_files

if TYPE_CHECKING:
    from c2l.service.consent import Ask, LicenceQuestion
    from c2l.service.notices import Tell
    from c2l_registry import ModelCard
    from c2l_registry.downloads import FileReport


@dataclass(frozen=True)
class PulledModel:
    """A model that is here, was fetched, or is to be fetched."""

    reference: str
    state: str
    path: str | None
    size: int | None
    sha256: str
    licence: str
    licence_url: str
    commercial_use: bool | None


@dataclass(frozen=True)
class VerifiedFile:
    """A fetched file, and whether it has changed since."""

    reference: str
    state: str
    path: str
    size: int | None
    sha256: str
    expected: str


@dataclass(frozen=True)
class RemovedModel:
    """A model whose weights were removed; ``freed`` counts bytes."""

    reference: str
    freed: int
    kept_elsewhere: bool


def pull_weights(
    references: Sequence[str],
    *,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
) -> list[PulledModel]:
    """Fetch what is missing of these models; parameters and errors as in ``fetch_with_consent``."""
    from c2l.service.consent import fetch_with_consent

    wanted = [reference for reference in references if not _is_own(reference)]
    fetched = fetch_with_consent(wanted, ask=ask, tell=tell, on_download=on_download)
    new = {model.reference for model in fetched}
    return [_pulled(r, "fetched" if r in new else "here") for r in dict.fromkeys(references)]


def pull_recipes(
    names: Sequence[str],
    *,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
) -> list[PulledModel]:
    """``pull_weights`` for all parts of recipes; tells how to check those that are new."""
    from c2l.service.consent import fetch_with_consent, offer_check

    parts = {name: parts_of_recipe(name) for name in names}
    wanted = list(dict.fromkeys(part for several in parts.values() for part in several))
    fetched = fetch_with_consent(wanted, ask=ask, tell=tell, on_download=on_download)
    for name, several in parts.items():
        offer_check(name, [model for model in fetched if model.reference in several], tell)
    new = {model.reference for model in fetched}
    return [_pulled(r, "fetched" if r in new else "here") for r in wanted]


def plan_pull(references: Sequence[str]) -> tuple[LicenceQuestion | None, list[PulledModel]]:
    """What ``pull_weights`` would ask and do; fetches nothing."""
    from c2l.service.consent import ask_what_is_missing

    question = ask_what_is_missing([r for r in references if not _is_own(r)])
    sizes = {model.reference: model.size for model in question.models} if question else {}
    rows = [
        _pulled(r, "to be fetched", sizes[r]) if r in sizes else _pulled(r, "here")
        for r in dict.fromkeys(references)
    ]
    return question, rows


def verify_weights(references: Sequence[str] = ()) -> list[VerifiedFile]:
    """Hash fetched weights and compare with what is known; without references, all of them.

    Raises:
        BadInput: a model has no file in the weights folder.
        NotDownloaded: it was not fetched.
    """
    models = registry().models() if not references else []
    cards = [_fetched_card(reference) for reference in references]
    cards += [entry.card for entry in models if entry.card and entry.state == "cached"]
    return [
        VerifiedFile(
            reference=card.reference,
            state=verdict.state,
            path=str(verdict.path),
            size=verdict.size,
            sha256=verdict.sha256,
            expected=verdict.expected,
        )
        for card in cards
        for verdict in verify_files(card, registry().environ)
    ]


def refuse_changed(files: Sequence[VerifiedFile]) -> None:
    """Raises ``BadWeights`` if a file has changed or is missing."""
    bad = list(dict.fromkeys(f.reference for f in files if f.state in {"changed", "missing"}))
    if bad:
        raise BadWeights(
            f"{', '.join(bad)} has changed since it was downloaded",
            hint=f"Fetch it again: c2l models remove {bad[0]}; c2l models pull {bad[0]}",
        )


def remove_weights(references: Sequence[str]) -> list[RemovedModel]:
    """Remove fetched weights, and the record that their licences were accepted; or directions.

    Raises:
        As ``verify_weights``.
    """
    directions = {r: name for r in references if (name := name_in(r)) and _is_own(r)}
    forgotten = [RemovedModel(r, forget_direction(n), False) for r, n in directions.items()]
    fetched = [reference for reference in references if reference not in directions]
    cards = [_fetched_card(reference, begun=True) for reference in fetched]
    environ = registry().environ
    kept = {card.reference for card in cards if is_kept_elsewhere(card, environ)}
    return forgotten + [
        RemovedModel(card.reference, remove_files(card, environ), card.reference in kept)
        for card in cards
    ]


def _fetched_card(reference: str, *, begun: bool = False) -> ModelCard:
    """The card of a model in the weights folder.

    Args:
        begun: accept an unfinished download.
    """
    entry = registry().entry(reference)
    if begun and entry.card and is_there(consent_file(reference, registry().environ)):
        return entry.card  # its weights may be in another cache, but its consent is in ours
    if entry.card is None or not entry.card.urls:
        raise BadInput(
            f"{reference} has no file in the weights folder",
            hint="See where it lies: c2l models show " + reference,
        )
    if entry.state != "cached" and not (begun and entry.path and entry.path.parent.is_dir()):
        raise NotDownloaded(
            f"{reference} is not on this machine", hint=f"Fetch it: c2l models pull {reference}"
        )
    return entry.card


def _is_own(reference: str) -> bool:
    """Whether it is a direction that is kept here, and comes from nowhere."""
    name = name_in(reference)
    return name is not None and is_kept(name)


def _pulled(reference: str, state: str, size: int | None = None) -> PulledModel:
    """The path of a model's weights, and what is known about them."""
    own = _is_own(reference)
    entry = None if own else registry().lookup(reference)[1]
    path = place_of(reference) if own else entry.path if entry else None
    here = path is not None and path.is_file()
    card = entry.card if entry else None
    return PulledModel(
        reference=reference,
        state=state,
        path=str(path) if path else None,
        size=size or (path.stat().st_size if path and here else card.size if card else None),
        sha256=(card.sha256 if card else "") or (first_seen(path) if path else ""),
        licence=card.licence if card else "",
        licence_url=card.licence_url if card else "",
        commercial_use=card.commercial_use if card else None,
    )
