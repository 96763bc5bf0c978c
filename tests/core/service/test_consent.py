"""Weights are fetched after one question; what is answered decides."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from c2l.errors import LicenceNotAccepted, NotWritable
from c2l.service import LicenceQuestion, Notice, consent, fetch_with_consent


def missing(reference: str, size: int | None, *, accepted: bool = False) -> Any:
    card = SimpleNamespace(commercial_use=False, notes="Big.")
    return SimpleNamespace(
        reference=reference,
        size=size,
        licence="MIT",
        licence_url="https://example.org",
        card=card,
        accepted=accepted,
    )


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was fetched; ``a`` and ``b`` are missing, and ``b`` was accepted before."""
    models = {"a:x": missing("a:x", 5), "b:y": missing("b:y", None, accepted=True)}
    done: list[str] = []
    monkeypatch.setattr(
        consent, "find_missing", lambda references: [models[r] for r in references if r in models]
    )
    monkeypatch.setattr(
        consent,
        "fetch_missing",
        lambda found, *, accept_licence, report: done.extend(m.reference for m in found),
    )
    monkeypatch.setattr(consent, "convert_fetched", lambda references: None)
    yield done


def test_a_question_holds_all_that_there_is_to_decide(fetched: list[str]) -> None:
    asked: list[LicenceQuestion] = []

    def ask(question: LicenceQuestion) -> bool:
        asked.append(question)
        return True

    fetch_with_consent(["a:x", "b:y", "c:z"], ask=ask)
    assert fetched == ["a:x", "b:y"]
    (question,) = asked
    assert [model.reference for model in question.models] == ["a:x", "b:y"]
    assert [model.reference for model in question.unaccepted] == ["a:x"]
    assert (question.known_size, question.is_size_complete) == (5, False)
    model = question.models[0]
    assert (model.licence, model.commercial_use, model.notes) == ("MIT", False, "Big.")


def test_nothing_is_asked_where_nothing_is_missing(fetched: list[str]) -> None:
    fetch_with_consent(["c:z"], ask=lambda question: pytest.fail("asked"))
    assert fetched == []


@pytest.mark.parametrize("ask", [None, lambda question: False])
def test_without_a_yes_nothing_is_fetched(fetched: list[str], ask: Any) -> None:
    with pytest.raises(LicenceNotAccepted):
        fetch_with_consent(["a:x", "b:y"], ask=ask)
    assert fetched == []


def test_what_was_accepted_before_needs_nobody(fetched: list[str]) -> None:
    fetch_with_consent(["b:y"])
    assert fetched == ["b:y"]


def test_a_network_that_cannot_be_converted_is_a_notice(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(references: Any) -> None:
        raise NotWritable("no room")

    monkeypatch.setattr(consent, "convert_fetched", full)
    told: list[Notice] = []
    fetch_with_consent(["b:y"], tell=told.append)
    assert [notice.kind for notice in told] == ["weights"] and "no room" in told[0].text


def test_an_interruption_says_what_is_kept(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(consent, "fetch_missing", press)
    with pytest.raises(KeyboardInterrupt, match="what has arrived is kept"):
        fetch_with_consent(["b:y"])
