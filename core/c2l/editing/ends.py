"""Whatever can be edited as an operation: pictures, prompts, seeds, latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from torch import Tensor

from c2l.errors import BadInput, IncompatibleParts, spell_fields
from c2l.ranges import MOST_SEED
from c2l.sampling.operations import (
    GivenLatents,
    Operation,
    PhotoLatents,
    RandomLatents,
    SampleLatents,
    Vary,
    inner,
    is_operation,
)
from c2l.sampling.record import read_record, request_of
from c2l.sampling.request import DrawRequest

if TYPE_CHECKING:
    from c2l.pipeline import Pipeline
    from c2l.result import Picture

    Thing: TypeAlias = "str | Mapping[str, float] | int | Tensor | Path | Picture | Operation | End"

_SAMPLED = ("negative", "negative_by", "guidance", "steps", "adherence", "class_label")


class End(NamedTuple):
    """An operation, and the truncation of its picture; None if it has none of its own."""

    operation: Operation
    truncation: float | None = None


def end_of(pipeline: Pipeline, thing: Thing, *, seed: int = 0, **how: Any) -> End:
    """A thing as an operation of a pipeline.

    Args:
        thing: a ``Picture`` or the path of a PNG; a prompt; a number, for a seed of the generator
            itself; latents (K, D); an operation; or an end already.
        seed: of a prompt.
        how: guidance and the like, of a prompt; ``class_label``, of a seed as well.
    Raises:
        BadPicture: a file without a record.
        IncompatibleParts: a picture of another generator.
        BadInput: nothing of these.
    """
    if isinstance(thing, End):
        return thing
    if is_operation(thing):
        return End(thing)
    if isinstance(thing, (str, Mapping)):
        asked: dict[str, Any] = {"prompts": [thing], "seed": seed, **how}
        request = DrawRequest(**asked)
        given = {name: getattr(request, name) for name in _SAMPLED}
        return End(SampleLatents(prompt=request.prompts[0], seed=seed, **given))
    if isinstance(thing, Path):
        return end_of_record(pipeline, read_record(thing), str(thing))
    if isinstance(thing, Tensor):
        return End(GivenLatents.of(thing[0] if thing.ndim == 3 else thing))
    if isinstance(thing, int) and not isinstance(thing, bool):
        if not 0 <= thing <= MOST_SEED:
            raise BadInput(f"seed {thing} is not between 0 and {MOST_SEED}", field="seeds")
        return End(RandomLatents(seed=thing, class_label=how.get("class_label")))
    if not isinstance(thing, bool) and hasattr(thing, "record"):
        return _of_picture(pipeline, cast("Picture", thing))
    raise BadInput(
        f"{thing!r:.60} cannot be edited",
        hint="Give a picture, a path, a prompt, a seed or latents",
        field="ends",
    )


def _of_picture(pipeline: Pipeline, picture: Picture) -> End:
    where = f"the picture {picture.prompt!r}"
    same = _is_of(pipeline, picture.record, where)
    operation = operation_of(picture.record, where)
    if operation is None or not (same or _is_alone(operation)):
        made_by = picture.pipeline if "latents" not in picture.record else None
        operation = GivenLatents.of(picture.latents, made_by.prior.repeats if made_by else None)
    return End(operation, picture.record.get("truncation"))


def end_of_record(pipeline: Pipeline, record: Mapping[str, Any], where: str) -> End:
    """The picture of a record.

    Args:
        record: as ``read_record`` gives it.
        where: it comes from, for messages.
    Raises:
        BadPicture: it was edited, or is that of a grid.
        IncompatibleParts: it was drawn with other parts.
    """
    request = request_of(record, where)
    operation = _operation_of(request)
    if not _is_of(pipeline, record, where) and not (operation and _is_alone(operation)):
        prior = _named(record, "prior")
        raise IncompatibleParts(
            f"{where} was drawn with {prior}, whose samples are others than those of "
            f"{pipeline.prior.reference}",
            hint=f"Use its own: `{spell_fields({'prior': prior})}`",
            field="ends",
        )
    if operation is None:
        asked = request.model_dump(include=set(DrawRequest.model_fields), exclude_unset=True)
        (picture,) = pipeline.stream(DrawRequest(**asked))
        operation = GivenLatents.of(picture.latents, pipeline.prior.repeats)
    return End(operation, request.truncation)


def _is_alone(operation: Operation) -> bool:
    """Whether an operation needs neither prior nor embedder."""
    if isinstance(operation, (SampleLatents, PhotoLatents, Vary)):
        return False
    return all(map(_is_alone, inner(operation)))


def operation_of(record: Mapping[str, Any], where: str) -> Operation | None:
    """The operation that makes a picture's latents; None where gradient descent had a part.

    Raises:
        BadPicture: the record was edited, or is that of a grid.
    """
    return _operation_of(request_of(record, where))


def _operation_of(request: DrawRequest) -> Operation | None:
    if request.latents is not None:
        return request.latents
    if request.optimise:
        return None
    given = {name: getattr(request, name) for name in _SAMPLED}
    return SampleLatents(prompt=request.prompts[0], seed=request.seed or 0, **given)


def _is_of(pipeline: Pipeline, record: Mapping[str, Any], where: str) -> bool:
    """Whether a picture was drawn with these parts.

    Raises:
        IncompatibleParts: with another generator: its latents mean nothing to this one.
    """
    ours, theirs = pipeline.provenance["fingerprints"], record.get("fingerprints") or {}
    name, own = _named(record, "generator"), pipeline.generator.reference
    if not theirs:  # an old record knows its parts by name alone
        theirs = {"generator": ours["generator"] if name == own else ""}
    if theirs.get("generator", ours["generator"]) != ours["generator"]:
        weights = f", with other weights than {own} has now" if name == own else ""
        raise IncompatibleParts(
            f"{where} was drawn by {name}{weights}, and not by {own or 'this generator'}",
            hint=f"Edit it with its own parts: {_parts_of(record)}",
            field="ends",
        )
    return all(theirs.get(role, ours[role]) == ours[role] for role in ("prior", "embedder"))


def _named(record: Mapping[str, Any], role: str) -> str:
    return str(record.get(role) or f"another {role}")


def _parts_of(record: Mapping[str, Any]) -> str:
    names = ["recipe"] if record.get("recipe") else ["generator", "embedder", "prior"]
    named = {name: str(record[name]) for name in names if record.get(name)}
    return " ".join(f"`{spell_fields({name: value})}`" for name, value in named.items())


def one_truncation(ends: Sequence[End], given: float | None) -> float | None:
    """The truncation to draw with: the one that is given, or that of all the ends.

    Raises:
        BadInput: the ends have several.
    """
    if given is not None:
        return given
    found = {end.truncation for end in ends if end.truncation is not None}
    if len(found) > 1:
        several = " and ".join(f"{value:g}" for value in sorted(found))
        raise BadInput(
            f"the pictures were drawn with truncation {several}",
            hint="Say which one to draw with: `truncation=1`",
            field="truncation",
        )
    return found.pop() if found else None
