"""A place as a field of a pydantic model: given as a text, written as a text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from c2l.places.remote import Place, RemotePath, place_of


def _place(value: Any) -> Place:
    if isinstance(value, RemotePath) or hasattr(value, "__fspath__") or isinstance(value, str):
        return place_of(value)
    raise ValueError("a path or an address is a text")


PlaceField = Annotated[
    Place, PlainValidator(_place), PlainSerializer(str, return_type=str, when_used="json")
]
