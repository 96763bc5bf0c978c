"""Weights of models in the catalogue: which are missing on this machine, and fetching them.

Loading never uses the network for the weights of a card; ``fetch`` does, once their licence is
accepted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from c2l.errors import BadWeights, LicenceNotAccepted
from c2l.plugins import registry
from c2l_registry import KindSpec, Source, parse_reference
from c2l_registry.paths import check_given, check_readable, is_there
from c2l_registry.switches import is_hub_offline

if TYPE_CHECKING:
    from c2l.generator import Generator
    from c2l_registry import ModelCard, ModelEntry
    from c2l_registry.downloads import FileReport
    from c2l_registry.weights import WantedFile

UNKNOWN_LICENCE = "see its page"


@runtime_checkable
class FetchesItself(Protocol):
    """A class of parts that fetches weights for which no card has addresses."""

    @classmethod
    def is_fetched(cls, source: Source) -> bool:
        """Whether ``load`` finds the weights of ``source`` on this machine.

        Called before the user is asked to accept a licence.
        """

    @classmethod
    def fetch(cls, source: Source) -> None:
        """Fetch what ``load`` will need. Called only if ``is_fetched`` is false.

        Raises:
            NotDownloaded: it cannot be fetched.
        """


@dataclass(frozen=True)
class Missing:
    """A model whose weights are not on this machine yet.

    Args:
        reference: ``kind:name``.
        spec: its kind.
        card: None for a name that its class knows and that has no card.
        files: those of the card that are missing; empty if the class fetches by itself.
        accepted: whether its licence was accepted before.
    """

    reference: str
    spec: KindSpec
    card: ModelCard | None
    files: tuple[WantedFile, ...]
    accepted: bool

    @property
    def licence(self) -> str:
        return self.card.licence if self.card else UNKNOWN_LICENCE

    @property
    def licence_url(self) -> str:
        return self.card.licence_url if self.card else ""

    @property
    def size(self) -> int | None:
        """Bytes to fetch, by the card; None if unknown."""
        if self.card is None:
            return None
        main = self.card.size or self.card.rough_size
        return main and main + sum(c.size or 0 for c in self.card.companions)

    @property
    def source(self) -> Source:
        """The argument of ``FetchesItself``."""
        return Source(parse_reference(self.reference), None, self.card)

    def is_here(self) -> bool:
        """Whether its class, which may fetch by itself, has nothing to fetch; imports torch."""
        from c2l.guard import blaming

        cls = registry().factory(self.spec)
        if not isinstance(cls, FetchesItself):
            return True
        with blaming(cls, "is_fetched"):
            return cls.is_fetched(self.source)

    def fetch(self) -> None:
        """Have its class fetch it; only where it is not here."""
        from c2l.guard import blaming

        cls = registry().factory(self.spec)
        assert isinstance(cls, FetchesItself), "found missing by its own word"
        with blaming(cls, "fetch"):
            cls.fetch(self.source)


def hub_is_offline() -> bool:
    """Whether the user switched off the network, or only Hugging Face.

    Plugins that fetch by themselves should call this, so that ``C2L_OFFLINE`` holds for all.
    """
    return is_hub_offline(registry().environ)


def find_missing(references: Iterable[str]) -> list[Missing]:
    """Those of these models that have to be fetched before they can be loaded; files never do.

    Raises:
        UnknownReference, BadReference, PluginFailed
    """
    found = [_missing(text) for text in dict.fromkeys(references)]
    return [missing for missing in found if missing is not None]


def fetch(*references: str, accept_licence: bool = False, report: FileReport | None = None) -> None:
    """Fetch the weights of models of the catalogue, unless they are here.

    Downloads are resumed, checked by size and sha256, and appear only when complete. A generator is
    then converted once, to a safetensors file beside its own that opens faster. Accepted licences
    are remembered in the weights folder.

    Args:
        references: ``kind:name``, as in ``stylegan:ffhq-1024``.
        accept_licence: accept the licences; ``c2l models show NAME`` names them.
        report: called with a file, its bytes that have arrived, and its size in bytes or None.
    Raises:
        LicenceNotAccepted: a licence has to be accepted first.
        NotDownloaded: the network is switched off, or no address gives the file.
        NotWritable: the disk is full.
        BadWeights: a network was fetched, but cannot be read.
        UnknownReference, BadReference, PluginFailed
    """
    fetch_missing(find_missing(references), accept_licence=accept_licence, report=report)
    convert_fetched(references)


def fetch_missing(
    missing: Sequence[Missing], *, accept_licence: bool, report: FileReport | None = None
) -> None:
    """``fetch`` for models that ``find_missing`` found."""
    from c2l_registry.consent import accept
    from c2l_registry.downloads import fetch_files

    environ = registry().environ
    open_questions = [m for m in missing if not m.accepted]
    if open_questions and not accept_licence:
        raise not_accepted(open_questions)
    for model in open_questions:
        accept(model.reference, model.licence, model.licence_url, environ)
    files = [file for model in missing for file in model.files]
    if report is None:
        fetch_files(files, environ=environ)
    else:
        fetch_files(files, environ=environ, report=report)
    for model in missing:
        if not model.files:
            model.fetch()


def convert_fetched(references: Iterable[str]) -> None:
    """Convert fetched generators to safetensors files beside them, unless that was done before.

    This also completes a conversion that Ctrl-C, a killed process or a full disk cut short.

    Raises:
        NotWritable: the disk is full; the network can still be loaded as it was fetched.
        BadWeights: a network was fetched, but cannot be read.
    """
    for reference in dict.fromkeys(references):
        if registry().parse(reference).in_catalogue:
            spec, entry = registry().lookup(reference)
            if spec.interface == "generator" and entry and entry.state == "cached":
                _convert(spec, entry)


def not_accepted(missing: Sequence[Missing]) -> LicenceNotAccepted:
    """The error for models whose licences have to be accepted first."""
    licences = "; ".join(f"{m.reference} is under {licence_line(m)}" for m in missing)
    return LicenceNotAccepted(
        f"the licence is not accepted yet: {licences}",
        hint="If you accept it, use `accept_licence=True`",
        field="accept_licence",
    )


def licence_line(model: Missing) -> str:
    """The licence, and whether commercial use is allowed."""
    commercial = model.card.commercial_use if model.card else None
    return model.licence + ("" if commercial is not False else " (no commercial use)")


def _convert(spec: KindSpec, entry: ModelEntry) -> None:
    from filelock import FileLock

    from c2l.generator import Generator
    from c2l_registry.downloads import lock_of
    from c2l_registry.transfers import refused_by_disk
    from c2l_registry.weights import conversion_folder, converted_path

    assert entry.path is not None
    own, draft = converted_path(entry.path), conversion_folder(entry.path)
    if own.exists() or not os.access(own.parent, os.W_OK):
        return
    if registry().factory(spec).save is Generator.save:  # this kind has no file format
        return
    try:
        with FileLock(lock_of(own)):  # two processes share one conversion
            if own.exists():
                return
            generator = _load_fetched(entry.reference)
            shutil.rmtree(draft, ignore_errors=True)  # a killed process left it
            try:
                draft.mkdir()
                generator.save(draft / own.name)
                os.replace(draft / own.name, own)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise refused_by_disk(own, error) from error


def _load_fetched(reference: str) -> Generator:
    from c2l.loading import load_generator

    try:
        return load_generator(reference, device="cpu")
    except BadWeights as error:
        again = f"To start over: c2l models remove {reference}; c2l models pull {reference}"
        raise BadWeights(error.message, hint=f"{error.hint}. {again}") from error


def _missing(text: str) -> Missing | None:
    reference = registry().parse(text)
    if reference.is_path:
        check_given(reference.path)
    if not reference.in_catalogue:
        return None
    from c2l_registry.consent import is_accepted
    from c2l_registry.weights import is_cached, wanted_files

    spec, entry = registry().lookup(text)
    card = entry.card if entry else None
    environ = registry().environ
    files: tuple[WantedFile, ...] = ()
    if card and card.file:
        return None
    if card and card.urls:
        wanted = wanted_files(card, environ)
        if is_cached(card, environ):
            for file in wanted:
                check_readable(file.path)
            return None
        files = tuple(file for file in wanted if not is_there(file.path))
    elif not spec.open_names:
        return None
    missing = Missing(text, spec, card, files, False)
    if not files and missing.is_here():
        return None
    accepted = is_accepted(text, missing.licence, environ)
    return Missing(text, spec, card, files, accepted)
