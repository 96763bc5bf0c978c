"""Fields of other people's clients, as those of a ``DrawRequest``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from c2l import service
from c2l.service import DrawRequest, Notice
from c2l.web.errors import ApiError
from c2l.web.settings import Limits

ALIASES: Mapping[str, str] = {
    "num_inference_steps": "steps",  # diffusers, vLLM, SGLang
    "guidance_scale": "guidance",
    "negative_prompt": "negative",
    "rng_seed": "seed",  # OpenVINO model server
}
"""What others call fields of a request."""

_TEXTS = {"prompt", "negative", "negative_prompt"}
"""In which "auto" is a word."""

OWN = (
    "guidance",
    "steps",
    "adherence",
    "negative",
    "negative_by",
    "truncation",
    "best_of",
    "rank_by",
    "optimise",
    "seed",
    "seeds",
)
"""Fields of a ``DrawRequest`` that may stand beside those of another API."""


_HOW = ("guidance", "steps", "adherence", "negative", "negative_by")


def how_of(asked: DrawRequest) -> dict[str, Any]:
    """How prompts and image prompts are sampled."""
    return {name: value for name in _HOW if (value := getattr(asked, name)) is not None}


def given_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields under c2l's names, without those that leave it to the server: null, "", "auto"."""
    named: dict[str, Any] = {}
    for name, value in fields.items():
        blank = isinstance(value, str) and value.strip().lower() in ("", "auto")
        if value is None or (blank and (name not in _TEXTS or not value.strip())):
            continue
        own = ALIASES.get(name, name)
        if own == name or own not in fields:  # c2l's own name wins
            named[own] = value
    return named


def draw_request(
    prompt: str, num: int, fields: Mapping[str, Any], limits: Limits, *, counted_by: str = "n"
) -> DrawRequest:
    """What to draw, with a random seed where none is given.

    Args:
        num: pictures, where no ``seeds`` are given.
        fields: those of ``OWN`` among them are heeded.
        counted_by: the field that says how many.
    Raises:
        BadInput: it cannot be drawn, or costs too much.
        ApiError: it is more than this server draws at once.
    """
    own = {name: fields[name] for name in OWN if name in fields}
    seeds = own.get("seeds")
    if isinstance(seeds, list) and all(isinstance(seed, str) for seed in seeds):
        own["seeds"] = ",".join(seeds)  # a form knows texts alone
    if own.get("seed") in (-1, "-1"):  # as many write a random one
        del own["seed"]
    counted = {} if "seeds" in own else {"num_images": num}
    asked = DrawRequest(**{"prompts": [prompt], **counted, **own}).with_seeds()
    service.refuse_costly(asked)
    for text in (prompt, *(asked.negative or ())):
        _refuse_long(text, limits)
    _refuse_more(asked.num_pictures, limits, "seeds" if "seeds" in own else counted_by)
    return asked


def _refuse_more(num: int, limits: Limits, field: str) -> None:
    """Raises ``ApiError`` if these are more pictures than one request may ask for."""
    if num > limits.pictures:
        message = f"{num:,} pictures are more than {limits.pictures:,} at once; ask several times"
        raise ApiError(400, message, param=field, code="bad_input")


def _refuse_long(text: str, limits: Limits) -> None:
    """Raises ``ApiError`` if a text is longer than this server reads."""
    if len(text) > limits.prompt:
        message = f"a text of {len(text):,} characters is too long; {limits.prompt:,} are read"
        raise ApiError(400, message, param="prompt", code="bad_input")


def notices_of_unknown(names: Iterable[str]) -> list[Notice]:
    """That fields are not known, so that a typing error is seen."""
    return [Notice("option", f"`{name:.60}` is not known here, and is ignored") for name in names]
