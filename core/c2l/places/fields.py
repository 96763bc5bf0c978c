"""Places as fields of pydantic models: given as texts, written as texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from c2l.errors import BadPath
from c2l.places.remote import Place, RemotePath, place_of


def _place(value: Any) -> Place:
    if isinstance(value, (str, Path, RemotePath)):
        return place_of(value)
    raise ValueError("must be a path or an address")


def local(value: Any) -> Any:
    """A path of this machine.

    Raises:
        BadPath: it is an address.
    """
    place = place_of(value) if isinstance(value, (str, Path)) else value
    if isinstance(place, RemotePath):
        raise BadPath(f"{place} is not on this machine", hint="Give a path of this machine")
    return place


PlaceField = Annotated[
    Place, PlainValidator(_place), PlainSerializer(str, return_type=str, when_used="json")
]
LocalField = Annotated[Path, BeforeValidator(local)]
