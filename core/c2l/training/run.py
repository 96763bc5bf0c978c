"""A training run as its user writes it: in a TOML file, as options, or in Python."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2l.errors import BadInput
from c2l.files import read_toml
from c2l.places.fields import LocalField, PlaceField
from c2l.prior_file import PriorCard
from c2l.prior_settings import FROM_PAIRS
from c2l.ranges import ClassLabel, Count, Seed
from c2l.resolving import resolve_beside
from c2l_registry.wording import describe_problem

_FROM_CARD = ("patience", "first_seed", "half", "micro_batches", "fast")
_HINTS = {"learning_rate": "Use `learning_rate=0.001`, which suits most runs, or leave it out"}
MICRO_BATCHES = 8
"""So that 1, 2, 4 or 8 processes can share a step."""


class TrainingRun(BaseModel):
    """What to train, on what, and for how long. A field that is None follows from the pairs.

    Args:
        prior: the kind of prior, as in ``flow``.
        settings: of the prior, in place of those that suit the number of pairs.
        generator, embedder: references of the parts that make the pairs.
        num, first_seed: how many pairs to make, and the seed of the first.
        groups: how many layers of the generator each code of a latent feeds.
        class_labels: classes to draw the pairs among, by name or number; all by default.
        pairs: the folder of the pairs, or its address in a store.
        out: the prior's file, or its address in a store.
        domain: the name of a shipped list of prompts (``faces``, ``landscapes``, …) or the path of
            a text file; None takes the list that suits the generator.
        steps: the most training steps; training ends earlier when it stops improving.
        batch_size: pairs in each step.
        learning_rate: the peak of its schedule.
        patience: validations without a new best before training stops.
        seed: of initial weights, batches and noise.
        student: also train a network that ranks candidates without rendering them.
        half: store the weights in float16.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.
        tensorboard: a folder for TensorBoard logs.
        processes: how many share each step; None for this one, or as many as torchrun started.
        micro_batches: in how many parts each batch is computed; the weights depend on it, but not
            on how many processes share them. None is 8 with ``processes`` or torchrun, else 1.
        fast: with several processes, sum gradients while they are computed, as DDP does: the
            weights depend on the number of processes then.
    Raises:
        BadInput: naming every field that is unknown or wrong.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prior: str = "flow"
    settings: dict[str, Any] = {}
    generator: str | None = None
    embedder: str | None = None
    num: Count | None = None
    groups: tuple[Count, ...] | None = None
    class_labels: tuple[ClassLabel, ...] | None = None
    first_seed: Seed = 0
    pairs: PlaceField | None = None
    out: PlaceField | None = None
    domain: str | None = None
    steps: Count | None = None
    batch_size: Count | None = None
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: Count = 5
    seed: Seed = 0
    student: bool = True
    half: bool = False
    device: str = "auto"
    tensorboard: LocalField | None = None
    processes: Count | None = None
    micro_batches: Count | None = None
    fast: bool = False

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = [_problem(problem) for problem in error.errors(include_url=False)]
            raise BadInput(
                f"this run cannot be trained: {'; '.join(problem for _, problem in problems)}",
                hint=_HINTS.get(problems[0][0], "docs/training.md lists what a run can say"),
                field=problems[0][0],
            ) from error

    @property
    def parts_of_a_batch(self) -> int:
        """``micro_batches``, or what it is where nothing is said."""
        return self.micro_batches or (MICRO_BATCHES if self.processes else 1)

    def with_changes(self, **changes: Any) -> TrainingRun:
        """This run with some fields changed. Raises ``BadInput``."""
        return TrainingRun(**{**self.model_dump(exclude_unset=True), **changes})

    @classmethod
    def read(cls, path: Path, **changes: Any) -> TrainingRun:
        """A run from a TOML file whose keys are the fields; ``changes`` win over the file.

        Paths in it are relative to the current folder, as on the command line; parts are looked up
        beside the file as well.

        Raises:
            BadInput: the file cannot be read, is not TOML, or a key is unknown or wrong.
        """
        raw = read_toml(path)
        for role in ("generator", "embedder"):
            if isinstance(raw.get(role), str):
                raw[role] = resolve_beside(raw[role], path.parent)
        try:
            return cls(**{**raw, **changes})
        except BadInput as error:
            raise BadInput(
                f"{path}: {error.message}", hint=error.hint, field=error.field
            ) from error

    @classmethod
    def of(cls, card: PriorCard) -> TrainingRun:
        """The run that made a prior: trained again, it gives the same weights.

        A list of the user's own prompts is named, not repeated.
        """
        training = card.training
        plan = {k: training[k] for k in ("steps", "batch_size", "learning_rate") if k in training}
        left_open = {*FROM_PAIRS, *card.chosen}
        others = {k: training[k] for k in _FROM_CARD if k in training}
        return cls(
            prior=card.kind,
            generator=card.generator.reference or None,
            embedder=card.embedder.reference or None,
            num=training.get("num_pairs", 0) + training.get("num_held_out", 0) or None,
            domain=card.domain.get("name"),
            groups=card.repeats if card.generator.reference and len(card.repeats) > 1 else None,
            class_labels=card.class_labels or None,
            settings={k: v for k, v in card.settings.items() if k not in left_open},
            seed=training.get("seed", 0),
            student=card.student is not None,
            **plan,
            **others,
        )

    def to_toml(self) -> str:
        """The fields that were given, as ``read`` takes them."""
        given = self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        settings = given.pop("settings", {})
        table = ["", "[settings]", *_lines(settings)] if settings else []
        return "\n".join([*_lines(given), *table]) + "\n"


def _lines(values: Mapping[str, Any]) -> list[str]:
    # JSON's strings, numbers, booleans and lists are also TOML's; null is neither's.
    return [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in values.items()
            if v is not None]  # fmt: skip


def _problem(problem: Mapping[str, Any]) -> tuple[str, str]:
    """The field of one of pydantic's problems, and what is wrong with it."""
    name = ".".join(part for part in problem["loc"] if isinstance(part, str))
    if problem["type"] != "extra_forbidden":
        return name, f"`{name}={problem['input']}` is {describe_problem(problem)}"
    near = difflib.get_close_matches(name, TrainingRun.model_fields, 1)
    return name, f"unknown key '{name}'" + (f" (did you mean '{near[0]}'?)" if near else "")
