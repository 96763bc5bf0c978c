"""Fields of other people's clients, as those of a ``DrawRequest``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from c2l.errors import BadInput
from c2l.service import DrawRequest, Notice
from c2l.web.limits import check_draw
from c2l.web.settings import Limits

ALIASES: Mapping[str, str] = {
    "num_inference_steps": "steps",  # diffusers, vLLM, SGLang
    "guidance_scale": "guidance",
    "negative_prompt": "negative",
    "rng_seed": "seed",  # OpenVINO model server
}
"""What others call fields of a request."""

_MOST_TOLD = 5
"""Fields that are not known."""

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
    "class_label",
    "seed",
    "seeds",
)
"""Fields of a ``DrawRequest`` that may stand beside those of another API."""


_HOW = ("guidance", "steps", "adherence", "negative", "negative_by", "class_label")


def how_of(asked: DrawRequest) -> dict[str, Any]:
    """How prompts and image prompts are sampled."""
    return {name: value for name in _HOW if (value := getattr(asked, name)) is not None}


def given_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields under c2l's names, without those that leave it to the server: null, "", "auto"."""
    given = {name: value for name, value in fields.items() if not _is_blank(name, value)}
    named = {ALIASES[name]: value for name, value in given.items() if name in ALIASES}
    if isinstance(named.get("negative"), str):
        named["negative"] = listed(named["negative"])
    return {**named, **{name: value for name, value in given.items() if name not in ALIASES}}


def listed(negative: str) -> dict[str, float]:
    """A negative prompt of another API: texts between commas, which carry no weights of ours."""
    return {part.strip(): 1.0 for part in negative.split(",") if part.strip()}


def _is_blank(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return value is None
    text = value.strip().lower()
    return not text or (text == "auto" and name not in _TEXTS)


def draw_request(
    prompt: str, num: int, fields: Mapping[str, Any], limits: Limits, *, counted_by: str = "n"
) -> DrawRequest:
    """What to draw, with a random seed where none is given.

    Args:
        num: pictures, where no ``seeds`` are given.
        fields: those of ``OWN`` among them are heeded.
        counted_by: the field that says how many.
    Raises:
        BadInput: it cannot be drawn, or is more than this server draws for one request.
    """
    own = {name: fields[name] for name in OWN if name in fields}
    seeds = own.get("seeds")
    if isinstance(seeds, list) and all(isinstance(seed, str) for seed in seeds):
        own["seeds"] = ",".join(seeds)  # a form knows texts alone
    if own.get("seed") in (-1, "-1"):  # as many write a random one
        del own["seed"]
    counted = {} if "seeds" in own else {"num_images": num}
    try:
        asked = DrawRequest(**{"prompts": [prompt], **counted, **own}).with_seeds()
        check_draw(asked, limits)
    except BadInput as error:
        here = {"prompts": "prompt", "num_images": "seeds" if "seeds" in own else counted_by}
        field = here.get(error.field or "", error.field)
        raise BadInput(error.message, hint=error.hint, field=field) from None
    return asked


def notices_of_unknown(names: Collection[str]) -> list[Notice]:
    """That fields are not known, so that a typing error is seen."""
    told = [Notice("option", f"`{name:.60}` is not known here, and is ignored") for name in names]
    if len(told) > _MOST_TOLD:
        told[_MOST_TOLD:] = [Notice("option", f"{len(told) - _MOST_TOLD} more are ignored")]
    return told
