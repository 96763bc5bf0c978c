"""docs/conformance.md has every law with its rule, as the docstring of its function says it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from doc_pages import text_of

from c2l.conformance.laws import LAWS


def rule_of(law: Any) -> str:
    """The docstring in one line, as Markdown writes code."""
    return " ".join(law.rule.split()).replace("``", "`")


@pytest.mark.parametrize("interface", LAWS)
def test_the_table_of_laws(interface: Any) -> None:
    page = text_of("docs/conformance.md")
    found = re.search(rf"<!-- laws of {interface} -->\n(.*?)<!-- /laws -->", page, re.S)
    assert found
    rows = [f"| `{law.name}` | {rule_of(law)} |" for law in LAWS[interface]]
    assert found[1].splitlines() == ["| law | the rule, and why |", "| --- | --- |", *rows]
