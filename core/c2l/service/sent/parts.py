"""Records from elsewhere, checked before anything is loaded for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from c2l.errors import BadInput, BadPath, BadReference
from c2l.sampling.record import request_of, upgraded
from c2l.sampling.request import Request
from c2l_registry.references import parse_reference

_ROLES = ("generator", "embedder", "prior")
_OF_THE_MACHINE = ("device", "precision", "plugin_files")
"""Fields that are about the machine which drew a picture."""


def sent_record(record: Mapping[str, Any], where: str) -> Request:
    """What a record that was sent draws, whatever machine drew it first.

    Args:
        where: it comes from, for messages.
    Raises:
        BadPicture: it is no record, or was edited.
        BadInput: it names a file of the machine that wrote it.
    """
    request = request_of(upgraded(record, where), where)
    for role in _ROLES:
        if (reference := getattr(request, role)) is not None:
            _refuse_file(reference, role)
    given = request.model_fields_set.difference(_OF_THE_MACHINE)
    return Request(**{name: getattr(request, name) for name in given})


def _refuse_file(reference: str, role: str) -> None:
    # What is wrong with a reference is not told: the reason may depend on files that are here.
    try:
        of_catalogue = parse_reference(reference).in_catalogue
    except (BadReference, BadPath):
        of_catalogue = False
    if not of_catalogue:
        raise BadInput(
            f"the {role} {reference[:80]!r} is not a name of the catalogue",
            hint="Files cannot be named from elsewhere; draw it where it was drawn first",
            field=role,
        )
