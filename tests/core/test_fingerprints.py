"""What a part's fingerprint is made of."""

from __future__ import annotations

import sys

import pytest

from c2l.testing import ToyGenerator


def another() -> type[ToyGenerator]:
    class ToyGenerator2(ToyGenerator):
        pass

    ToyGenerator2.__name__ = "Generator"
    ToyGenerator2.__qualname__ = "Generator"
    return ToyGenerator2


def test_classes_of_one_name_in_two_packages_differ() -> None:
    ours, theirs = another(), another()
    ours.__module__, theirs.__module__ = "c2l_ours.generator", "c2l_theirs.generator"
    assert ours().fingerprint() != theirs().fingerprint()
    assert ours().fingerprint() == ours().fingerprint()


def test_a_class_of_ours_may_move_to_another_module() -> None:
    here, there = another(), another()
    here.__module__, there.__module__ = "c2l.testing.toys", "c2l.testing.moved"
    assert here().fingerprint() == there().fingerprint()


def test_a_script_has_the_name_it_would_be_imported_under(monkeypatch: pytest.MonkeyPatch) -> None:
    script, module = another(), another()
    script.__module__, module.__module__ = "__main__", "my_gan"
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", None)
    monkeypatch.setattr(main, "__file__", "/anywhere/my_gan.py", raising=False)
    assert script().fingerprint() == module().fingerprint()
