"""The record of a picture: the request that draws it again, and facts about the drawing.

It is flat: the fields of ``Request``, as JSON, with those of ``FACTS`` beside them. It lies in the
PNG under the schema ``c2l/2``. Records of ``c2l/1``, the schema before, are read as well.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from c2l.errors import BadInput, BadPicture
from c2l.images import NoRecord, read_png, read_png_file
from c2l.sampling.request import Request

SCHEMA = "c2l/2"
FIRST_SCHEMA = "c2l/1"

FACTS = ("schema", "score", "chosen_from", "drawn_class", "device", "version")
"""Fields that are not of the request: the cosine of picture and prompt by the embedder, the number
of candidates it was chosen from, the class that it is of, and what drew it: device, version of
c2l."""

_FIRST_SETTINGS = ("guidance", "steps", "adherence", "truncation", "optimise")


def read_record(path: Path) -> dict[str, Any]:
    """The record in a PNG, in the present schema.

    Raises:
        BadPicture: the file is not a picture, or has no record, or one of a newer version of c2l.
    """
    return upgraded(read_png(path), str(path))


def find_record(data: bytes, where: str, *, most_pixels: float = math.inf) -> dict[str, Any] | None:
    """``read_record`` for the content of a picture file; None if it carries no record.

    Args:
        where: what it is called in messages.
        most_pixels: of a picture that is decoded.
    """
    try:
        return upgraded(read_png_file(io.BytesIO(data), where, most_pixels=most_pixels), where)
    except NoRecord:
        return None


def request_of(record: Mapping[str, Any], where: str) -> Request:
    """The request that draws a picture again.

    Args:
        record: as ``read_record`` gives it.
        where: the picture's path, for messages.
    Raises:
        BadPicture: the record was edited so that it cannot be drawn, or belongs to a grid.
    """
    if "grid" in record:
        raise BadPicture(f"{where} is a grid of several pictures", hint="Give one of the pictures")
    fields = {name: value for name, value in record.items() if name not in FACTS}
    try:
        return Request(**fields)
    except (BadInput, TypeError) as error:
        reason = error.message if isinstance(error, BadInput) else str(error)
        raise BadPicture(
            f"the c2l record in {where} was edited: {reason}", hint="Draw from its prompt instead"
        ) from error


def upgraded(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A record of any known schema, as one of the present schema.

    Raises:
        BadPicture: a newer version of c2l wrote it, or it is not a record.
    """
    schema = record.get("schema")
    if schema == SCHEMA:
        return dict(record)
    if schema == FIRST_SCHEMA:
        return _from_first(record, where)
    if isinstance(schema, str) and schema.startswith("c2l/"):
        raise BadPicture(
            f"{where} was written by a newer version of c2l ({schema})",
            hint="Upgrade the package c2l",
        )
    raise BadPicture(f"the c2l record in {where} has no schema", hint="Give a PNG that c2l wrote")


def _from_first(old: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``c2l/1``: the settings are nested, blends are texts with weights after a colon."""
    try:
        settings = dict(old.get("settings") or {})
        also = dict(map(_first_weighted, settings.get("also") or ()))
        record: dict[str, Any] = {"schema": SCHEMA}
        if "grid" in old:
            record["grid"] = old["grid"]
        if "prompt" in old:
            record["prompt"] = {old["prompt"]: 1.0, **also} if also else old["prompt"]
        record |= {
            name: settings[name] for name in _FIRST_SETTINGS if settings.get(name) is not None
        }
        # With a guidance of 1 it drew as if no negative prompt were there.
        if settings.get("negative") and settings.get("guidance") != 1:
            record |= {"negative": {settings["negative"]: 1.0}, "negative_by": "guidance"}
        names = ("seed", "recipe", "generator", "embedder", "prior", "precision", "score")
        return record | {name: old[name] for name in names if old.get(name) not in (None, "")}
    except (TypeError, ValueError, AttributeError) as error:
        raise BadPicture(
            f"the c2l record in {where} was edited and makes no sense",
            hint="Draw from its prompt instead",
        ) from error


def _first_weighted(given: str) -> tuple[str, float]:
    """``a pirate:0.4`` as the schema's writer read it."""
    text, colon, weight = given.rpartition(":")
    try:
        return (text.strip() if colon else given), (float(weight) if colon else 1.0)
    except ValueError:
        return given, 1.0
