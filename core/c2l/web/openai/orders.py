"""A request to OpenAI's routes, understood: what to draw, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from c2l.errors import BadInput
from c2l.service import DrawRequest, Notice
from c2l.web.compat.bodies import Sent, checked
from c2l.web.compat.drawing import draw_request, given_fields, notices_of_unknown
from c2l.web.compat.pictures import SentPicture, bytes_in, read_picture
from c2l.web.compat.recipes import chosen_recipe
from c2l.web.compat.sizes import Size, parse_size
from c2l.web.offer import Offer
from c2l.web.openai.shapes import IGNORED, TOLD, Asked
from c2l.web.settings import Limits

Body = TypeVar("Body", bound=Asked)


@dataclass(frozen=True)
class Order(Generic[Body]):
    """What was asked for.

    Args:
        body: checked.
        fields: all that was given, under c2l's names.
        recipe: that draws it.
        size: None for the generator's own.
        notices: to begin with.
    """

    body: Body
    fields: Mapping[str, Any]
    recipe: str
    size: Size | None
    notices: Sequence[Notice]

    def request(self, prompt: str, limits: Limits) -> DrawRequest:
        """What to draw. Raises ``BadInput``, ``ApiError``."""
        return draw_request(prompt, self.body.n, self.fields, limits)


def order_of(shape: type[Body], sent: Sent, offer: Offer, default: str) -> Order[Body]:
    """Understand a body.

    Args:
        default: the recipe of those who name none.
    Raises:
        RequestValidationError, BadInput: a value is wrong.
        ApiError: 404, the model does not exist.
    """
    fields = given_fields(sent.fields)
    body = checked(shape, fields)
    chosen = chosen_recipe(fields.get("model"), offer, default)
    told = [Notice("option", TOLD[name]) for name in TOLD if name in fields or name in sent.files]
    unknown = fields.keys() - shape.model_fields.keys() - IGNORED - {"image", "images"}
    notices = [*chosen.notices, *told, *notices_of_unknown(sorted(unknown))]
    return Order(body, fields, chosen.recipe, parse_size(body.size), notices)


async def order_of_picture(
    shape: type[Body], sent: Sent, offer: Offer
) -> tuple[Order[Body], SentPicture]:
    """Understand a body with a picture. Raises as ``order_of``, and ``BadPicture``."""
    pictures = _pictures_in(sent)
    if not pictures:
        raise BadInput("there is no picture", hint="Send one as the file `image`", field="image")
    picture = await read_picture(pictures[0], field="image")
    order = order_of(shape, sent, offer, picture.recipe_of(offer))
    if len(pictures) > 1:
        told = f"only the first of {len(pictures)} pictures is taken"
        order = replace(order, notices=[*order.notices, Notice("option", told)])
    return order, picture


def _pictures_in(sent: Sent) -> Sequence[bytes]:
    """Files; or base64, alone, in a list, or as ``{"image_url": ...}``."""
    files = [*sent.files.get("image", ()), *sent.files.get("images", ())]
    if files:
        return files
    given = sent.fields.get("image") or sent.fields.get("images") or []
    several = given if isinstance(given, list) else [given]
    # Only the first is looked at: the others are counted.
    return [
        bytes_in(one.get("image_url") if isinstance(one, dict) else one, field="image")
        if index == 0
        else b""
        for index, one in enumerate(several)
    ]
