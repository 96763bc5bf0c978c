"""What an evaluation draws and looks at: everything that its numbers depend on."""

from __future__ import annotations

import dataclasses
import itertools
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.evaluation.distances import NUM_NEIGHBOURS
from c2l.evaluation.judge import Question
from c2l.part import Part
from c2l.pipeline import Pipeline, SamplingSettings
from c2l.prior_file import PartCard
from c2l.prompts.files import find_faults

SCHEMA = "c2l-eval/1"

SEEDS_PER_PROMPT = 1000
"""Picture j of prompt i has seed ``seed + 1000 * i + j``: no two prompts share their noise, and
fewer pictures of each are the first ones of more."""

# Far from the seeds of any pairs: a prior that gives back latents it has stored must not meet them.
REFERENCE_SEED = 3_000_000_000
RANDOM_SEED = 3_500_000_000

_THUMBNAILS = 480


@dataclass(frozen=True)
class Variant:
    """One way to sample; None leaves a value to the recipe or the prior."""

    guidance: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Plan:
    """An evaluation before anything is drawn.

    Args:
        prompts: all different.
        questions: the same with what a judge shall find; empty without a judge.
        num_images: N, pictures of each prompt.
        seed: of the first picture.
        variants: ways to sample, each on all prompts.
        num_reference: M, pictures of the generator's own distribution; and as many again that
            stand in for those of the prompts, to show what no prior at all gives.
    """

    prompts: tuple[str, ...]
    questions: tuple[Question, ...]
    num_images: int
    seed: int
    variants: tuple[Variant, ...]
    num_reference: int

    @property
    def named(self) -> list[dict[str, int]]:
        """The attributes that each prompt names; empty without a judge."""
        return [dict(question.named) for question in self.questions]

    @property
    def num_pictures(self) -> int:
        """Pictures of one variant."""
        return len(self.prompts) * self.num_images

    @property
    def num_shown(self) -> int:
        """So many prompts, the first ones, are shown with pictures."""
        each = len(self.variants) * min(self.num_images, 8)
        return min(len(self.prompts), max(4, min(24, _THUMBNAILS // each)))

    def seeds(self, first: int, last: int) -> list[int]:
        """The seeds of all pictures of prompts ``first`` to ``last``, the last one excluded."""
        return [
            self.seed + SEEDS_PER_PROMPT * i + j
            for i in range(first, last)
            for j in range(self.num_images)
        ]


def make_plan(
    prompts: Sequence[str] | Sequence[Question],
    *,
    num_images: int,
    seed: int,
    guidance: Sequence[float | None],
    steps: Sequence[int | None],
    num_reference: int,
) -> Plan:
    """Check everything that can be checked without drawing.

    Raises:
        BadInput: one line that names every fault.
    """
    questions = [p for p in prompts if isinstance(p, Question)]
    texts = [p.prompt if isinstance(p, Question) else p for p in prompts]
    faults = [f"the prompts: {fault}" for fault in find_faults(texts)]
    if questions and len(questions) != len(texts):
        faults.append("the prompts: some are questions and some are not")
    if any(not q.named for q in questions):
        faults.append("the questions: some name no attribute")
    if not 1 <= num_images <= SEEDS_PER_PROMPT:
        faults.append(f"{num_images} pictures of each prompt are not 1 to {SEEDS_PER_PROMPT}")
    least = max(NUM_NEIGHBOURS + 1, num_images)
    if num_reference < least:
        faults.append(f"{num_reference} reference pictures are fewer than {least}")
    if seed < 0:
        faults.append(f"the seed {seed} is negative")
    if seed + SEEDS_PER_PROMPT * len(texts) > REFERENCE_SEED:
        faults.append(f"the seed {seed} is too large")
    for name, values in (("guidance", guidance), ("steps", steps)):
        if not values:
            faults.append(f"no {name} is given")
        if len(set(values)) < len(values):
            faults.append(f"a {name} is given twice")
    each: list[dict[str, Any]] = [{"guidance": g} for g in guidance]
    for settings in [*each, *({"steps": s} for s in steps)]:
        try:
            SamplingSettings(**settings)
        except BadInput as error:
            faults.append(error.message)
    if faults:
        raise BadInput("; ".join(faults), hint="See: c2l eval --help")
    return Plan(
        prompts=tuple(texts),
        questions=tuple(questions),
        num_images=num_images,
        seed=seed,
        variants=tuple(Variant(g, s) for s, g in itertools.product(steps, guidance)),
        num_reference=num_reference,
    )


def full_settings(
    plan: Plan,
    pipeline: Pipeline,
    independent: Embedder | None,
    judge: str | None,
    inception: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Everything that the numbers depend on, JSON-able; two runs with the same are the same."""
    from c2l.version import __version__

    prior = pipeline.prior.settings()
    return {
        "schema": SCHEMA,
        "recipe": pipeline.recipe,
        "prior": _card(pipeline.prior),
        "generator": _card(pipeline.generator),
        "embedder": _card(pipeline.embedder),
        "independent": _card(independent) if independent else None,
        "judge": judge,
        "inception": dict(inception) if inception else None,
        "sampling": dataclasses.asdict(pipeline.settings),
        "variants": [dataclasses.asdict(v) for v in plan.variants],
        "defaults": {name: prior[name] for name in ("guidance", "steps") if name in prior},
        "num_images": plan.num_images,
        "num_reference": plan.num_reference,
        "seed": plan.seed,
        "device": str(pipeline.generator.device),
        "versions": {
            "c2l": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "prompts": list(plan.prompts),
        "named": plan.named,
    }


def _card(part: Part) -> dict[str, Any]:
    return dataclasses.asdict(PartCard.of(part))
