"""A live picture from what was typed: its parts, its first values and its directions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2l.editing.directions import Direction, from_prompts, load_direction
from c2l.errors import BadInput
from c2l.sampling.classes import class_number
from c2l.sampling.request import Request
from c2l.service.directing import notice_of_short
from c2l.service.live.picture import LivePicture
from c2l.service.live.values import LiveValues
from c2l.service.session import Session

_HINT = "Write `directions='smile=a face -> a smiling face'`, or a file: `directions=age=age.safetensors`"  # noqa: E501
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ARROW = " -> "


def typed_live(
    prompt: str | None = None, *, directions: Sequence[str] | None = None, **values: Any
) -> LiveValues:
    """The values to begin with.

    Args:
        directions: each ``NAME=START -> END`` or ``NAME=FILE``; they begin at strength 0.
        values: of ``LiveValues``; None means not given.
    Raises:
        BadInput: a value out of range, or a direction without a name.
    """
    names = [name for name, _ in map(_named, directions or ())]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"two directions are called '{name}'", hint=_HINT, field="directions")
    given = {name: value for name, value in values.items() if value is not None}
    return LiveValues(prompt=prompt, directions=dict.fromkeys(names, 0.0), **given)


def open_live(
    session: Session,
    *,
    directions: Sequence[str] | None = None,
    class_label: int | str | None = None,
    **parts: Any,
) -> LivePicture:
    """The live picture of a recipe, with its directions made or read.

    Args:
        directions: as in ``typed_live``.
        class_label: to begin with; the parts must have it.
        parts: recipe, generator, embedder, prior, device and precision.
    Raises:
        BadInput, BadWeights, IncompatibleParts, and as ``Session.pipeline``.
    """
    # What there is to draw does not matter: the request says which parts draw.
    asked: dict[str, Any] = {"prompt": "anything"}
    asked |= {name: value for name, value in parts.items() if value is not None}
    pipeline = session.pipeline(Request(**asked))
    class_number(pipeline.prior, pipeline.generator, class_label)
    made: dict[str, Direction] = {}
    for name, source in map(_named, directions or ()):
        start, arrow, end = source.partition(_ARROW)
        if arrow:
            made[name] = from_prompts(pipeline, start.strip(), end.strip())
            if (short := notice_of_short(made[name])) is not None:
                session.tell(short)
        else:
            made[name] = load_direction(Path(source), pipeline.generator)
    return LivePicture(pipeline, made, session.tell)


def _named(typed: str) -> tuple[str, str]:
    name, sign, source = typed.partition("=")
    if not sign or not _NAME.fullmatch(name) or not source.strip():
        raise BadInput(f"'{typed}' is not a named direction", hint=_HINT, field="directions")
    return name, source.strip()
