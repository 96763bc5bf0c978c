"""What an evaluation draws: everything that its numbers depend on."""

from __future__ import annotations

import dataclasses
import itertools
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.evaluation.distances import NUM_NEIGHBOURS
from c2l.evaluation.judge import Question
from c2l.part import Part
from c2l.pipeline import Pipeline
from c2l.prior_file import PartCard
from c2l.sampling.request import DrawSettings

SCHEMA = "c2l-eval/1"

SEEDS_PER_PROMPT = 1000
"""Picture j of prompt i has seed ``seed + 1000 * i + j``: no two prompts share their noise (that
would make errors over prompts come out too small), and more pictures begin with those of fewer."""

# Far from the seeds of any pairs: a prior that returns stored latents must not meet its own.
REFERENCE_SEED = 3_000_000_000
RANDOM_SEED = 3_500_000_000

_MOST_THUMBNAILS = 480


@dataclass(frozen=True)
class Variant:
    """One way to sample; None leaves a value to the pipeline."""

    guidance: float | None = None
    steps: int | None = None

    @property
    def settings(self) -> DrawSettings:
        """The same for a pipeline."""
        return DrawSettings(guidance=self.guidance, steps=self.steps)


@dataclass(frozen=True)
class Batch:
    """Pictures that are drawn together.

    Args:
        prompts: those that they are of.
        seeds: for each prompt, as many for one as for another.
        first: the number of the first picture among all P * N.
        num_shown: how many of them, the first ones, are shown as thumbnails.
    """

    prompts: Sequence[str]
    seeds: Sequence[Sequence[int]]
    first: int
    num_shown: int

    @property
    def num(self) -> int:
        """How many pictures."""
        return sum(map(len, self.seeds))


@dataclass(frozen=True)
class Plan:
    """An evaluation before anything is drawn.

    Args:
        prompts: P of them, all different.
        questions: the same with the attributes that they name; empty without a judge.
        num_images: N, pictures of each prompt.
        seed: of the first picture.
        variants: ways to sample, each for all prompts.
        num_reference: M, pictures of the generator's own distribution to compare with; as many
            again stand in for those of the prompts, to show what chance alone scores.
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
        """Pictures of one variant, P * N."""
        return len(self.prompts) * self.num_images

    @property
    def num_shown(self) -> int:
        """How many prompts, the first ones, are shown with thumbnails."""
        each = len(self.variants) * min(self.num_images, 8)
        return min(len(self.prompts), max(4, min(24, _MOST_THUMBNAILS // each)))

    def seeds(self, prompt: int) -> range:
        """The seeds of the N pictures of prompt number ``prompt``."""
        first = self.seed + SEEDS_PER_PROMPT * prompt
        return range(first, first + self.num_images)

    def batches(self, size: int) -> Iterator[Batch]:
        """All pictures of a variant, at most ``size`` in a batch: of whole prompts, or of one."""
        num, each = len(self.prompts), self.num_images
        prompts_at_once = max(1, size // each)
        for start in range(0, num, prompts_at_once):
            indices = range(start, min(start + prompts_at_once, num))
            # Only where a single prompt has more than ``size`` pictures are there several rounds.
            for offset in range(0, each, min(size, each)):
                seeds = [self.seeds(i)[offset : offset + size] for i in indices]
                first = start * each + offset
                yield Batch(
                    prompts=self.prompts[indices.start : indices.stop],
                    seeds=seeds,
                    first=first,
                    num_shown=min(sum(map(len, seeds)), max(0, self.num_shown * each - first)),
                )


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
    faults = [*_prompt_faults(texts)]
    if questions and len(questions) != len(texts):
        faults.append(("prompts", "only some of the prompts are questions", _QUESTIONS))
    if any(not question.named for question in questions):
        faults.append(("prompts", "some of the questions name no attribute", _QUESTIONS))
    faults += _count_faults(num_images, num_reference)
    faults += _sampling_faults(guidance, steps)
    faults += _seed_faults(seed, len(texts))
    if faults:
        raise BadInput(
            "; ".join(message for _, message, _ in faults),
            hint="; ".join(dict.fromkeys(hint for _, _, hint in faults)),
            field=faults[0][0],
        )
    return Plan(
        prompts=tuple(texts),
        questions=tuple(questions),
        num_images=num_images,
        seed=seed,
        variants=tuple(Variant(g, s) for s, g in itertools.product(steps, guidance)),
        num_reference=num_reference,
    )


Fault = tuple[str, str, str]
"""The field at fault, what is wrong with it, and what to do instead."""

_QUESTIONS = "Give the questions of a judge as they are"


def _prompt_faults(prompts: Sequence[str]) -> Iterator[Fault]:
    if not prompts:
        yield "prompts", "there are no prompts", "Give one or more `prompts`"
    if empty := [number for number, prompt in enumerate(prompts, 1) if not prompt.strip()]:
        yield "prompts", f"prompt {empty[0]} is empty", "Leave out empty prompts"
    # Two equal prompts would count as two independent observations.
    if repeated := [prompt for prompt, num in Counter(prompts).items() if num > 1]:
        more = f" and {len(repeated) - 1} more" if len(repeated) > 1 else ""
        yield "prompts", f"'{repeated[0]}'{more} is given twice", "Give each prompt once"


def _count_faults(num_images: int, num_reference: int) -> Iterator[Fault]:
    if not 1 <= num_images <= SEEDS_PER_PROMPT:
        yield (
            "num_images",
            f"`num_images={num_images}` is out of range",
            f"Use `num_images` from 1 to {SEEDS_PER_PROMPT}",
        )
    # As many as a prompt has pictures, so that random ones can stand in for them.
    fewest = max(NUM_NEIGHBOURS + 1, min(num_images, SEEDS_PER_PROMPT))
    if num_reference < fewest:
        yield (
            "num_reference",
            f"`num_reference={num_reference}` is too few",
            f"Use `num_reference={fewest}` or more",
        )


def _sampling_faults(
    guidance: Sequence[float | None], steps: Sequence[int | None]
) -> Iterator[Fault]:
    sweeps: dict[str, Sequence[float | None]] = {"guidance": guidance, "steps": steps}
    for name, values in sweeps.items():
        if not values:
            yield name, f"`{name}` has no value", f"Give `{name}` one value or several"
        if len(set(values)) < len(values):
            yield name, f"`{name}` has a value twice", f"Give each value of `{name}` once"
        for value in values:
            try:
                DrawSettings(**{name: value})
            except BadInput as error:
                yield name, error.message, error.hint


def _seed_faults(seed: int, num_prompts: int) -> Iterator[Fault]:
    last = REFERENCE_SEED - SEEDS_PER_PROMPT * num_prompts
    if not 0 <= seed <= last:
        yield "seed", f"`seed={seed}` is out of range", f"Use `seed` from 0 to {last}"


def full_settings(
    plan: Plan,
    pipeline: Pipeline,
    independent: Embedder | None,
    judge: str | None,
    inception: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Everything that the numbers depend on, JSON-able: equal settings give equal numbers."""
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
        "sampling": sampling_settings(pipeline),
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


def sampling_settings(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline's own settings, JSON-able; None for those that its prior does not support."""
    return pipeline.effective(DrawSettings()).model_dump(mode="json")


def _card(part: Part) -> dict[str, Any]:
    return dataclasses.asdict(PartCard.of(part))
