"""What a client of these routes wants, as what c2l draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from c2l.service import DrawRequest, Notice
from c2l.web.a1111.options import Options
from c2l.web.a1111.prompts import plain_prompt
from c2l.web.a1111.shapes import PictureBody, TextBody
from c2l.web.compat.bodies import checked
from c2l.web.compat.drawing import draw_request, given_fields, how_of, listed
from c2l.web.compat.pictures import SentPicture
from c2l.web.compat.sizes import Size, checked_size
from c2l.web.compat.works import Varied
from c2l.web.engine import Draw, Work
from c2l.web.settings import Limits

Body = TypeVar("Body", bound=TextBody)

_IGNORED = "`cfg_scale` and `steps` are ignored: the recipe has values of its own"
_ANY = "a picture"
"""Stands where a client gives no prompt."""


@dataclass(frozen=True)
class Wish(Generic[Body]):
    """What a client wants.

    Args:
        body: checked.
        sent: all that was sent, without nulls.
        recipe: that draws it.
        prompt: in plain words; empty for any picture.
        asked: the seeds and how to draw.
        size: None for the generator's own.
        notices: to begin with.
    """

    body: Body
    sent: Mapping[str, Any]
    recipe: str
    prompt: str
    asked: DrawRequest
    size: Size | None
    notices: Sequence[Notice]

    @property
    def seeds(self) -> tuple[int, ...]:
        """One for each picture."""
        return tuple(self.asked.seed_lists[0])


def wish_of(
    shape: type[Body], raw: Mapping[str, Any], options: Options, limits: Limits
) -> Wish[Body]:
    """Understand a body.

    Args:
        options: of the server; ``override_settings`` win over them.
    Raises:
        RequestValidationError, BadInput, ApiError: a value that is heeded is wrong.
    """
    sent = {name: value for name, value in raw.items() if value is not None}
    body = checked(shape, sent)
    settings = body.override_settings
    heeds = options.heeds(settings)
    prompt = plain_prompt(body.prompt)
    asked = draw_request(
        prompt or _ANY,
        body.batch_size * body.n_iter,
        _own_fields(body, sent, heeds, limits),
        limits,
        counted_by="batch_size",
    )
    width, height = body.width or body.height, body.height or body.width
    size = checked_size(width, height, field="width") if width and height else None
    given = body.cfg_scale is not None or body.steps is not None
    notices = [Notice("option", _IGNORED)] if given and not heeds else []
    return Wish(body, sent, options.recipe_of(settings), prompt, asked, size, notices)


def _own_fields(
    body: TextBody, sent: Mapping[str, Any], heeds: bool, limits: Limits
) -> dict[str, Any]:
    """The fields of a ``DrawRequest``: c2l's own win over what stands for them here.

    Of long lists of what is unwanted, which people paste, the first texts are taken.
    """
    beside = {name: value for name, value in sent.items() if name not in ("seed", "steps")}
    own = given_fields({**body.override_settings, **beside})
    if heeds:
        own = {**given_fields({"guidance": body.cfg_scale, "steps": body.steps}), **own}
    if body.seed >= 0:
        own.setdefault("seed", body.seed)
    if "seeds" in own:
        own.pop("seed", None)
    unwanted = list(listed(plain_prompt(body.negative_prompt)))[: limits.pictures]
    if unwanted:
        own["negative"] = dict.fromkeys(unwanted, 1.0)
    return own


def works_of_text(wish: Wish[TextBody]) -> Sequence[Work]:
    """What draws txt2img, one work after the other."""
    if wish.prompt:
        return [Draw(wish.asked, recipe=wish.recipe)]
    # Without a prompt there is nothing to ask the prior for: the generator draws what it draws.
    operations: list[Any] = [{"op": "random", "seed": seed} for seed in wish.seeds]
    truncation = wish.asked.truncation
    return [
        Draw(DrawRequest(latents=operation, truncation=truncation), recipe=wish.recipe)
        for operation in operations
    ]


def work_of_picture(wish: Wish[PictureBody], picture: SentPicture) -> Work:
    """What draws img2img: neighbours of the picture, on the way to the prompt."""
    its_own = (picture.record or {}).get("prompt")
    return Varied(
        picture.photo,
        picture.record,
        "" if wish.prompt == its_own else wish.prompt,
        wish.seeds,
        how_of(wish.asked),
        wish.asked.truncation,
        amount=min(1.0, max(0.0, wish.body.denoising_strength)),
        recipe=wish.recipe,
    )
