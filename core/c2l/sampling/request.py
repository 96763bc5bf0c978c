"""The request: what to draw, and how.

Keywords of ``pipeline(...)``, the command line, a TOML file, a JSON body and the record in a PNG
are five spellings of it.
"""

from __future__ import annotations

import operator
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from c2l import sample_options
from c2l.ranges import (
    MOST_SEED,
    MOST_TRUNCATION,
    Adherence,
    ClassLabel,
    Count,
    Guidance,
    Seed,
    Steps,
    Truncation,
)
from c2l.sample_options import NegativeBy
from c2l.sampling.best_of import AUTO, MOST_CANDIDATES, BestOf
from c2l.sampling.operations import MOST_NESTED, Operation, depth
from c2l.sampling.seed_lists import MOST_PICTURES, parse_seeds
from c2l.sampling.texts import Blend, Negative
from c2l.validation import FieldError, bad_input

RankBy = Literal["pictures", "student"]

HINTS: Mapping[str, str] = {
    **sample_options.HINTS,
    "latents": "The operations are those of c2l.editing",
    "prompts": "Say what to draw, as in 'a happy man'",
    "negative": 'Name what is unwanted, as in `negative="beard, glasses"`',
    "num_images": "Use `num_images=1` or more",
    "seed": sample_options.HINTS["seeds"],
    "seeds": "Write them as in `seeds=1,2,5-10`, each from 0 to 2**64 - 1",
    "truncation": f"Use `truncation` from -{MOST_TRUNCATION} to {MOST_TRUNCATION}",
    "best_of": "Use `best_of=1` or more, or `best_of=auto` for as many as help",
    "rank_by": "Use `rank_by=pictures` or `rank_by=student`",
    "optimise": "Use `optimise=0` or more",
    "class_label": "Give the number of a class, or its name",
}

Seeds = tuple[int, ...] | tuple[tuple[int, ...], ...]


class DrawSettings(BaseModel):
    """How to draw. None leaves a value to the recipe, or else to the prior.

    Args:
        guidance: strength of classifier-free guidance, 0 to 100; 1 is none.
        steps: evaluations of the prior's network.
        adherence: how literally to take the prompt: 0 loosely, with more variety, to 1.
        negative: what to stay away from: a text, split at its commas, or texts with weights.
        negative_by: ``embedding`` moves the prompt's embedding away from it; ``guidance`` guides
            away from it, at twice the cost.
        truncation: pulls latents towards their mean: 1 leaves them, 0 gives the mean, negative
            values give their opposites; from -2 to 2.
        best_of: draw this many candidates for each picture and keep the best by the embedder;
            ``auto`` draws as many as help, which the prior's student ranks.
        rank_by: ``pictures`` renders every candidate; ``student`` lets the prior's student guess
            and renders only the best few.
        optimise: steps of gradient descent on the latent of each picture; 0 for none.
        class_label: name or number of the class to draw, for generators with classes; None lets
            the prompt choose.
    Raises:
        BadInput: naming every value that is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    guidance: Guidance | None = None
    steps: Steps | None = None
    adherence: Adherence | None = None
    negative: Negative | None = None
    negative_by: NegativeBy | None = None
    truncation: Truncation | None = None
    best_of: BestOf | None = None
    rank_by: RankBy | None = None
    optimise: Annotated[int, Field(ge=0)] | None = None
    class_label: ClassLabel | None = None

    def __init__(self, /, **values: Any) -> None:
        with bad_input(HINTS):
            super().__init__(**values)

    @model_validator(mode="before")
    @classmethod
    def _without_none(cls, values: Any) -> Any:
        """None means not given; so does an empty negative prompt."""
        if not isinstance(values, Mapping):
            return values
        given = {k: v for k, v in values.items() if v is not None}
        if given.get("negative") in ("", {}, []):
            del given["negative"]
        return given

    @model_validator(mode="after")
    def _the_student_ranks_auto(self) -> Self:
        if self.best_of == AUTO and self.rank_by == "pictures":
            raise FieldError(
                "`best_of=auto` goes by the student, not by pictures",
                "rank_by",
                hint="Leave out `rank_by`, or give a number",
            )
        return self

    @property
    def most_candidates(self) -> int:
        """Drawn for one picture, at most."""
        if isinstance(self.best_of, int):
            return self.best_of
        return 1 if self.best_of is None else MOST_CANDIDATES

    @property
    def given(self) -> Mapping[str, Any]:
        """The values that are set."""
        return {n: v for n in type(self).model_fields if (v := getattr(self, n)) is not None}

    def with_defaults(self, defaults: DrawSettings) -> DrawSettings:
        """These settings, with what they leave open taken from others."""
        names = DrawSettings.model_fields
        values = {n: v for n in names if (v := getattr(defaults, n)) is not None}
        guided_away = self.negative and self.negative_by == "guidance"
        if guided_away and self.guidance is None and values.get("guidance") == 1:
            del values["guidance"]  # the prior knows what it takes
        if self.best_of == AUTO:
            values.pop("rank_by", None)  # the student is built in
        own = {n: v for n in names if (v := getattr(self, n)) is not None}
        return DrawSettings(**{**values, **own})


class DrawRequest(DrawSettings):
    """What to draw, and how.

    Args:
        prompts: one or several, each a text or texts with weights; each gets as many pictures as
            there are seeds. Also spelt ``prompt``.
        num_images: pictures of each prompt, where no seeds are given.
        seed: of the first picture of each prompt; the next ones follow. None picks one at random.
        seeds: the seeds themselves, as ``1,2,5-10`` or as numbers; or as many lists as there are
            prompts, one for each.
        latents: instead of prompts, the operation that makes the latents of one picture.
    """

    prompts: tuple[Blend, ...] = ()
    num_images: Count = 1
    seed: Seed | None = None
    seeds: Annotated[Seeds | None, BeforeValidator(lambda value: _as_seeds(value))] = None
    latents: Operation | None = None

    @model_validator(mode="before")
    @classmethod
    def _spelt(cls, values: Any) -> Any:
        """Accept ``prompt``, and a single prompt that is not in a list."""
        if not isinstance(values, Mapping):
            return values
        given = dict(values)
        if given.get("prompt") is not None:
            if given.get("prompts") is not None:
                raise FieldError("both `prompt` and `prompts` are given", "prompts")
            given["prompts"] = [given.pop("prompt")]
        elif isinstance(given.get("prompts"), (str, Mapping)):
            given["prompts"] = [given["prompts"]]
        if depth(given.get("latents")) > MOST_NESTED:
            raise FieldError(f"more than {MOST_NESTED} operations are nested", "latents")
        return given

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if self.latents is None and not self.prompts:
            raise FieldError("there is nothing to draw", "prompts")
        if self.latents is not None and len(self.prompts) > 1:
            raise FieldError("`latents` are of one picture: give one prompt at most", "latents")
        counted = self.seed is not None or "num_images" in self.model_fields_set
        if self.seeds is not None and counted:
            raise FieldError("`seeds` already say how many pictures to draw", "seeds")
        if self._nested and len(self.seeds or ()) != len(self.prompts):
            raise FieldError("`seeds` are not one list for each prompt", "seeds")
        if (self.seed or 0) + self.num_images - 1 > MOST_SEED:
            raise FieldError(f"the last seed is above {MOST_SEED}", "seed")
        num = sum(map(len, self.seed_lists)) if self.seeds else self.num_images * len(self.prompts)
        if num > MOST_PICTURES:
            raise FieldError(f"{num:,} pictures are more than {MOST_PICTURES:,}", "num_images")
        return self

    @property
    def _nested(self) -> bool:
        return bool(self.seeds) and isinstance(self.seeds[0], tuple)  # type: ignore[index]

    @property
    def seed_lists(self) -> Sequence[Sequence[int]]:
        """The seeds of each prompt; ``with_seeds`` has to have chosen them."""
        if self.seeds is not None:
            return self.seeds if self._nested else [self.seeds] * len(self.prompts)  # type: ignore
        first = self.seed or 0
        return [range(first, first + self.num_images)] * len(self.prompts)

    @property
    def num_pictures(self) -> int:
        """How many pictures this is in all."""
        return 1 if self.latents is not None else sum(map(len, self.seed_lists))

    def with_seeds(self) -> Self:
        """This request, with a random first seed if it had no seeds."""
        if self.seeds is not None or self.seed is not None or self.latents is not None:
            return self
        return self.replace(seed=secrets.randbelow(1_000_000))

    def replace(self, **changes: Any) -> Self:
        """This request with some fields changed. Raises ``BadInput``."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**given, **changes})

    def to_dict(self) -> dict[str, Any]:
        """The fields that are set, JSON-able, as the constructor takes them."""
        return self.model_dump(mode="json", exclude_none=True, exclude_unset=True)


class Request(DrawRequest):
    """What to draw, how, and with which parts.

    Args:
        recipe: the name of a recipe; ``demo-faces`` if there is neither recipe nor prior.
        generator, embedder, prior: references that replace parts of the recipe.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto``: CUDA, else MPS, else the CPU.
        precision: ``float32``, ``bf16`` or ``fp16``; or ``auto``, as in ``c2l.load_pipeline``.
        fingerprints: of the parts that a record was drawn with, by role; others that go by the same
            name are told to the user.
        plugin_files: the loose files of those parts: sha256 by path. They are only named, never
            run.
    """

    recipe: str | None = None
    generator: str | None = None
    embedder: str | None = None
    prior: str | None = None
    device: str = "auto"
    precision: str = "float32"
    fingerprints: dict[str, str] | None = None
    plugin_files: dict[str, str] | None = None


def _as_seeds(value: Any) -> Any:
    """``1-4``, numbers, or lists of numbers, as tuples. Pydantic's own message would be long."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_seeds(value)
    if hasattr(value, "tolist"):  # an array or a tensor
        value = value.tolist()
    if not isinstance(value, Sequence):
        raise ValueError(f"{value!r} is not a list of seeds")
    if not value:
        raise ValueError("no picture is asked for")
    if not all(map(_is_list, value)):
        return tuple(map(_as_seed, value))
    if not all(value):
        raise ValueError("no picture is asked for of one of the prompts")
    return tuple(tuple(map(_as_seed, seeds)) for seeds in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _as_seed(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{value!r} is not a seed")
    value = operator.index(value)
    if not 0 <= value <= MOST_SEED:
        raise ValueError(f"seed {value} is not between 0 and {MOST_SEED}")
    return value
