"""The names that clients call models by, as recipes."""

from __future__ import annotations

import re
from typing import NamedTuple

from c2l.service import Notice
from c2l.web.errors import ApiError
from c2l.web.offer import Offer

_OPENAI = re.compile(r"(dall-e|gpt-image|chatgpt-image)(-.*)?", re.IGNORECASE)
"""Names that clients send because somebody wrote them into their source."""


class Chosen(NamedTuple):
    """A recipe, and what is to be said about it."""

    recipe: str
    notices: list[Notice]


def chosen_recipe(name: object, offer: Offer, default: str) -> Chosen:
    """The recipe that a client means.

    Nothing and OpenAI's own names mean the default recipe.

    Args:
        name: what it calls the model.
        default: the recipe of those who name none.
    Raises:
        ApiError: 404, there is no such recipe.
    """
    text = name.strip() if isinstance(name, str) else "" if name is None else str(name)
    if text in offer.recipes:
        return Chosen(text, [])
    if text.lower() in ("", "auto", "default"):
        return Chosen(default, [])
    if _OPENAI.fullmatch(text):
        told = f"{text:.80} is not here; {default} draws instead"
        return Chosen(default, [Notice("option", told)])
    raise ApiError(
        404,
        f"the model '{text:.80}' does not exist here; there is {', '.join(offer.recipes)}",
        param="model",
        code="model_not_found",
    )
