"""Places as fields of pydantic models: given as texts, written as texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, ValidationInfo

from c2l.places.remote import Place, RemotePath, check_local, place_of


def _place(value: Any) -> Place:
    if isinstance(value, (str, Path, RemotePath)):
        return place_of(value)
    raise ValueError("must be a path or an address")


def _local(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, (str, Path)):
        return check_local(value, field=info.field_name or "")
    return value


PlaceField = Annotated[Place, PlainValidator(_place), PlainSerializer(str, return_type=str)]
LocalField = Annotated[Path, BeforeValidator(_local)]
