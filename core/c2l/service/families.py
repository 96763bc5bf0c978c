"""The catalogue by family and domain, and the part of it that somebody looks for.

Summaries of cards begin alike: ``FAMILY, SIZE: WHAT IT DRAWS (DATA), …``. What begins otherwise
is of the family that its kind is.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from c2l.errors import BadInput

if TYPE_CHECKING:
    from c2l.service.catalogue import ModelRow

HERE = ("embedded", "cached")
"""States of models whose weights are on this machine."""

_SUMMARY = re.compile(r"([^,:]+), ([^:]+): (.+)")


@dataclass(frozen=True)
class FamilyRow:
    """A family of models.

    Args:
        interface, family: of all of them.
        num, num_here: how many the catalogue has, and how many of those are on this machine.
        about: what they draw, the most frequent first; or what the kind is.
    """

    interface: str
    family: str
    num: int
    num_here: int
    about: str


def family_of(reference: str, summary: str, interface: str) -> tuple[str, str, str]:
    """Family, domain, and what a summary says besides its family.

    A domain is what a generator draws; other parts have none.
    """
    kind, colon, _ = reference.partition(":")
    found = _SUMMARY.fullmatch(summary) if colon else None
    if found is None:
        return kind, "", summary
    family = re.sub(r" config [A-Z]$", "", found[1])
    domain = re.split(r" \(|, ", found[3])[0] if interface == "generator" else ""
    return family, domain, summary.removeprefix(f"{found[1]}, ")


def chosen_models(
    rows: Sequence[ModelRow], *, family: str | None, search: str | None, here: bool
) -> list[ModelRow]:
    """Those of a family, that hold all words of a text, or that are on this machine.

    Args:
        family: its name or a part of it; case does not matter.
        search: words in reference, summary or licence.
    Raises:
        BadInput: there is no such family.
    """
    if family is not None:
        known = dict.fromkeys(row.family for row in rows)
        wanted = [name for name in known if family.lower() in name.lower()]
        if not wanted or not family:
            lower = {name.lower(): name for name in known}
            near = [lower[name] for name in difflib.get_close_matches(family.lower(), lower, 3)]
            raise BadInput(
                f"no model is of a family {family!r}",
                hint=f"Did you mean {' or '.join(near)}?" if near else "See `c2l models list`",
                field="family",
            )
        rows = [row for row in rows if row.family in wanted]
    words = (search or "").lower().split()
    return [
        row
        for row in rows
        if (not here or row.state in HERE)
        and all(word in f"{row.reference} {row.summary} {row.licence}".lower() for word in words)
    ]


def family_rows(rows: Sequence[ModelRow]) -> list[FamilyRow]:
    """A row for each family, in the order of the catalogue; what has no models is one itself."""
    grouped: dict[tuple[str, str, str], list[ModelRow]] = {}
    for row in rows:
        grouped.setdefault((row.interface, row.kind, row.family), []).append(row)
    with_models = {
        (interface, kind) for (interface, kind, _), some in grouped.items()
        if any(row.reference != row.kind for row in some)
    }  # fmt: skip
    found = []
    for (interface, kind, family), some in grouped.items():
        models = [row for row in some if row.reference != kind]
        if not models and (interface, kind) in with_models:
            continue
        domains = Counter(row.domain for row in models if row.domain)
        itself = [row.summary for row in some if row.reference == kind]
        about = ", ".join(name for name, _ in domains.most_common()) or "".join(itself)
        about = about or ", ".join([models[0].reference, *["…"][: len(models) - 1]])
        num_here = sum(row.state in HERE for row in models)
        found.append(FamilyRow(interface, family, len(models), num_here, about))
    return found


def by_family(rows: Sequence[ModelRow]) -> dict[tuple[str, str], list[ModelRow]]:
    """Rows by interface and family, what draws the same together; families as in the catalogue."""
    grouped: dict[tuple[str, str], list[ModelRow]] = {}
    for row in rows:
        grouped.setdefault((row.interface, row.family), []).append(row)
    return {key: sorted(some, key=lambda row: row.domain) for key, some in grouped.items()}


def with_families(rows: Sequence[ModelRow]) -> list[ModelRow]:
    """The same rows, with their family, domain and detail filled in."""
    return [
        dataclasses.replace(row, family=family, domain=domain, detail=detail)
        for row in rows
        for family, domain, detail in [family_of(row.reference, row.summary, row.interface)]
    ]
