"""Requests as people type them: texts with weights after a colon, files, and fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l.prompts.blends import parse_weighted
from c2l.prompts.files import read_prompts
from c2l.sampling.request import Request
from c2l.service.request_files import read_request

DEFAULT_NUM = 4
"""Pictures of each prompt."""

_COUNTS = {"num_images", "seed", "seeds"}


def typed_request(
    prompt: str | None = None,
    *,
    also: Sequence[str] | None = None,
    negative: Sequence[str] | None = None,
    prompts_file: Path | None = None,
    from_file: Path | None = None,
    weight: float | None = None,
    **fields: Any,
) -> Request:
    """A request from what was typed.

    Args:
        prompt: a text.
        also: texts to blend into each prompt, as in ``a pirate:0.4``.
        negative: what to stay away from, separated by commas, as in ``beard, glasses:2``.
        prompts_file: instead of a prompt, a text file with one on each line.
        from_file: a PNG, or a TOML or JSON file, with a request; the other values win over it.
        weight: is refused: it is that of an image prompt, which ``typed_like`` takes.
        fields: of ``Request``; None means not given.
    Raises:
        BadInput, BadPicture: it cannot be drawn.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    if weight is not None:
        raise BadInput("there is no image to weigh", hint="Give an `image`", field="weight")
    if negative:
        given["negative"] = ", ".join(negative)
    if prompt is not None and prompts_file is not None:
        raise BadInput(
            "two sources of prompts", hint="Give a prompt or `prompts_file`", field="prompts_file"
        )
    if prompts_file is not None:
        texts = read_prompts(prompts_file, field="prompts_file")
        given["prompts"] = [blended(text, also) for text in texts]
    elif prompt is not None:
        given["prompt"] = blended(prompt, also)
    elif also and from_file is None:
        raise BadInput("there is no prompt to blend into", hint="Give one", field="also")
    if from_file is not None:
        return read_request(from_file, also=also or (), **given)
    if prompt is None and prompts_file is None:
        raise BadInput(
            "there is nothing to draw",
            hint='Give one prompt, as in c2l sample "a happy man", or `prompts_file`',
            field="prompt",
        )
    if not _COUNTS & given.keys():
        given["num_images"] = DEFAULT_NUM
    return Request(**given)


def blended(prompt: str, also: Sequence[str] | None) -> Any:
    """A prompt with other texts blended into it."""
    return [(prompt, 1.0), *map(parse_weighted, also)] if also else prompt
