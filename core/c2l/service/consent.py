"""Fetches weights after one question to the caller, which names sizes and licences; and asks
before a program is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from c2l.errors import C2LError, LicenceNotAccepted, NotWritable, ProgramNotAccepted
from c2l.fetching import Missing, convert_fetched, fetch_missing, find_missing, not_accepted
from c2l.plugins import registry
from c2l_registry.consent import accept_program

if TYPE_CHECKING:
    from c2l.service.notices import Tell
    from c2l_registry.downloads import FileReport


@dataclass(frozen=True)
class WantedModel:
    """A model that is to be fetched.

    Args:
        reference: ``kind:name``.
        size: in bytes; None if unknown.
        licence, licence_url: its licence, and where to read it.
        commercial_use: whether the licence allows it; None if unknown.
        notes: further remarks of its card.
        accepted: whether its licence was accepted before.
    """

    reference: str
    size: int | None
    licence: str
    licence_url: str
    commercial_use: bool | None
    notes: str
    accepted: bool


@dataclass(frozen=True)
class LicenceQuestion:
    """Whether to fetch these models, and to accept their licences if that was not done yet."""

    models: tuple[WantedModel, ...]

    @property
    def unaccepted(self) -> tuple[WantedModel, ...]:
        """The models whose licences have to be accepted first."""
        return tuple(model for model in self.models if not model.accepted)

    @property
    def known_size(self) -> int:
        """Bytes of the models whose size is known."""
        return sum(model.size or 0 for model in self.models)

    @property
    def is_size_complete(self) -> bool:
        """Whether all sizes are known."""
        return all(model.size is not None for model in self.models)


@dataclass(frozen=True)
class ProgramQuestion:
    """Whether to run a file that is a program.

    Args:
        reference: ``kind:file``.
        sha256: of the file; a yes is good for it wherever it lies.
    """

    reference: str
    sha256: str


Ask = Callable[[LicenceQuestion | ProgramQuestion], bool]

T = TypeVar("T")


def fetch_with_consent(
    references: Sequence[str],
    *,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
) -> list[Missing]:
    """Fetch what is missing of these models, after one question about all of them.

    Args:
        ask: called if anything is to be fetched; returns whether to fetch it. None accepts no
            licence that was not accepted before.
        tell: called with a notice if a network could not be converted.
        on_download: called with a file, its bytes that have arrived, and its size in bytes or None.
    Returns:
        What was fetched.
    Raises:
        LicenceNotAccepted: the answer was no, or ``ask`` is None.
        NotDownloaded, NotWritable, BadWeights, UnknownReference, BadReference, PluginFailed
    """
    missing = find_missing(references)
    if missing:
        unaccepted = [model for model in missing if not model.accepted]
        if ask is None and unaccepted:
            raise not_accepted(unaccepted)
        if ask is not None and not ask(_question(missing)):
            raise LicenceNotAccepted("the licences were not accepted, and nothing was fetched")
    try:
        if missing:
            fetch_missing(missing, accept_licence=True, report=on_download)
        try:
            convert_fetched(references)
        except NotWritable as error:
            from c2l.service.notices import Notice

            tell(Notice("weights", f"{error}. Until then it opens as fetched, which is slower"))
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("what has arrived is kept") from stop
    return missing


def offer_check(recipe: str | None, fetched: Sequence[Missing], tell: Tell) -> None:
    """Tell how to check a recipe, if something of it was fetched just now."""
    from c2l.service.notices import Notice

    if recipe is not None and fetched:
        tell(Notice("offer", f"to see that it draws as it should: c2l recipes check {recipe}"))


def load_with_consent(load: Callable[[], T], ask: Ask | None) -> T:
    """Load parts, asking about each program among them that nobody said yes to.

    Only loading finds out which these are: a prior's file may name one.

    Args:
        load: loads them; called again after each yes.
        ask: returns whether to run a program. None runs none that was not accepted before.
    Raises:
        ProgramNotAccepted: the answer was no, or ``ask`` is None.
        As ``load``.
    """
    while True:
        try:
            return load()
        except ProgramNotAccepted as error:
            if ask is None or not ask(ProgramQuestion(error.reference, error.sha256)):
                raise
            accept_program(error.reference, error.sha256, registry().environ)


def ask_what_is_missing(references: Sequence[str]) -> LicenceQuestion | None:
    """The question that ``fetch_with_consent`` would ask; None if nothing is missing."""
    missing = find_missing(references)
    return _question(missing) if missing else None


def refusal(question: LicenceQuestion | ProgramQuestion) -> C2LError:
    """The error to raise in place of an answer, where nobody can be asked."""
    if isinstance(question, ProgramQuestion):
        return ProgramNotAccepted(question.reference, question.sha256)
    return not_accepted(find_missing([model.reference for model in question.unaccepted]))


def _question(missing: Sequence[Missing]) -> LicenceQuestion:
    return LicenceQuestion(
        tuple(
            WantedModel(
                reference=model.reference,
                size=model.size,
                licence=model.licence,
                licence_url=model.licence_url,
                commercial_use=model.card.commercial_use if model.card else None,
                notes=model.card.notes if model.card else "",
                accepted=model.accepted,
            )
            for model in missing
        )
    )
