"""``check_pipeline``: a pipeline to a verdict, and a report that can be attached to an issue."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from c2l.errors import BadInput
from c2l.evaluation.checking.measuring import MEANINGS, measure
from c2l.evaluation.checking.verdict import Range, Verdict, judge, ranges
from c2l.evaluation.jobs import OnProgress
from c2l.files import write_atomically
from c2l.part import Part
from c2l.pipeline import Pipeline
from c2l.places import Place
from c2l.prompts.domains import Domain, domain_names
from c2l.sampling.request import DrawSettings
from c2l.training.oddities import find_unread
from c2l_registry import parse_reference

SCHEMA = "c2l-check/1"
FEWEST_FRESH = 16
FEWEST_PROMPTS = 8
NEAR_TRAINING = 0.06
"""How far cosines may be from those that training saw, on other prompts and other pictures."""
AS_WELL = 0.75
"""Of the way from any other picture to the same one that training came: less is left where pictures
are mirrored, say, which changes neither their mean nor what is asked of them."""


@dataclass(frozen=True)
class Check:
    """What ``check_pipeline`` found. Nothing in it names a path, a machine or a user.

    Args:
        verdict: in words.
        scores: by name.
        normal: the range of those scores that have one.
        facts: what was checked, with which settings, by which versions; JSON-able.
        seconds: the whole took.
    """

    verdict: Verdict
    scores: Mapping[str, float]
    normal: Mapping[str, Range]
    facts: Mapping[str, Any]
    seconds: float

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, value, normal range and meaning of each score."""
        return [
            (name, f"{self.scores[name]:.3f}", _range(self.normal.get(name)), meaning)
            for name, meaning in MEANINGS.items()
            if name in self.scores
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "schema": SCHEMA,
            "fault": self.verdict.fault,
            "verdict": self.verdict.text,
            "scores": {name: round(value, 5) for name, value in self.scores.items()},
            "normal": {name: list(bounds) for name, bounds in self.normal.items()},
            "seconds": round(self.seconds, 1),
            **self.facts,
        }

    def to_markdown(self) -> str:
        """A page to be pasted into an issue."""
        facts = self.to_dict()
        lines = [
            f"# {facts['recipe'] or 'A pipeline'}: {self.verdict.fault or 'fine'}",
            "",
            self.verdict.text[0].upper() + self.verdict.text[1:] + ".",
            "",
            "| score | value | normal | what it is |",
            "| --- | --- | --- | --- |",
            *(f"| {' | '.join(row)} |" for row in self.rows()),
            "",
        ]
        for role in ("generator", "embedder", "prior"):
            part = facts[role]
            name = f"{part['reference']} ({part['package']})".replace(" ()", "")
            lines.append(f"- {role}: {name}, {part['fingerprint'][:12]}")
        lines += [
            f"- {facts['num_prompts']} prompts of {facts['domain']}, {facts['num_fresh']} fresh "
            f"pictures, {self.seconds:.0f} s on {facts['device']}",
            f"- {', '.join(f'{name} {number}' for name, number in facts['versions'].items())}",
        ]
        return "\n".join(lines) + "\n"

    def write(self, folder: Place) -> None:
        """Write ``check.json`` and ``check.md``. Raises ``NotWritable``."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False)
        write_atomically(folder / "check.json", text.encode())
        write_atomically(folder / "check.md", self.to_markdown().encode())


def check_pipeline(
    pipeline: Pipeline,
    domain: Domain,
    *,
    num_prompts: int = 64,
    num_fresh: int = 256,
    expected: Mapping[str, Range] | None = None,
    on_progress: OnProgress = lambda done, num, note: None,
) -> Check:
    """Draw a few hundred pictures, and say whether the parts fit.

    Args:
        pipeline: with its settings; candidates and optimising are left out.
        domain: prompts that suit the generator.
        num_prompts: how many of them to draw, at most.
        num_fresh: fresh pictures of the generator to compare with.
        expected: normal ranges of this pipeline's scores; by default near those of its training.
        on_progress: see ``OnProgress``.
    Raises:
        BadInput: too few prompts or fresh pictures, or an embedding is NaN.
    """
    start = time.monotonic()
    for name, num, fewest in (
        ("num_prompts", num_prompts, FEWEST_PROMPTS),
        ("num_fresh", num_fresh, FEWEST_FRESH),
    ):
        if num < fewest:
            raise BadInput(
                f"`{name}={num}` is too few to judge by", hint=f"Use {fewest} or more", field=name
            )
    plain = DrawSettings(best_of=1, optimise=0).with_defaults(pipeline.settings)
    alone = Pipeline(
        pipeline.generator,
        pipeline.embedder,
        pipeline.prior,
        settings=plain,
        recipe=pipeline.recipe,
        precision=pipeline.precision,
    )
    prompts = _spread_out(domain.readable(pipeline.embedder).prompts, num_prompts)
    measured = measure(alone, prompts, num_fresh=num_fresh, on_progress=on_progress)
    normal = ranges(num_fresh, _as_trained(pipeline, domain) if expected is None else expected)
    facts = {
        "recipe": pipeline.recipe,
        "generator": _part(pipeline.generator),
        "embedder": _part(pipeline.embedder),
        "prior": _part(pipeline.prior),
        "sampling": dict(measured.sampling),
        "domain": domain.name if domain.name in domain_names() else "a list of the user's",
        "num_prompts": len(prompts),
        "num_fresh": num_fresh,
        "device": pipeline.generator.device.type,
        "versions": _versions(),
    }
    verdict = judge(measured.scores, normal, find_unread(domain, pipeline.embedder))
    return Check(verdict, measured.scores, normal, facts, time.monotonic() - start)


def _spread_out(prompts: Sequence[str], num: int) -> list[str]:
    """At most ``num`` prompts from all over a list, which may be in order of their kinds."""
    num = min(num, len(prompts))
    return [prompts[index * len(prompts) // num] for index in range(num)]


def _as_trained(pipeline: Pipeline, domain: Domain) -> dict[str, Range]:
    """Near what training saw, if the prior's card has it: cosines on this domain, and how well
    pictures are drawn again."""
    card = pipeline.prior.card
    scores = card.scores if card else {}
    names = {"alignment": "prompts_cosine", "alignment_random": "prompts_cosine_random"}
    found: dict[str, Range] = {
        name: (scores[known] - NEAR_TRAINING, scores[known] + NEAR_TRAINING)
        for name, known in names.items()
        if known in scores and card and card.domain.get("name") == domain.name
    }
    if "held_out_cosine" in scores:
        same, other = scores["held_out_cosine"], scores["held_out_cosine_random"]
        found["again"] = (other + AS_WELL * (same - other), None)
    return found


def _part(part: Part) -> dict[str, str]:
    """Which part, without the folder of its file: that may name a user."""
    kind, name = part.reference.partition(":")[::2]
    if part.reference and not parse_reference(part.reference).in_catalogue:
        name = "(a file)"
    reference = f"{kind}:{name}" if part.reference else f"a live {type(part).__name__}"
    return {
        "reference": reference,
        "package": part.package,
        "fingerprint": part.fingerprint(),
    }


def _versions() -> dict[str, str]:
    from c2l.version import __version__

    return {
        "c2l": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _range(bounds: Range | None) -> str:
    if bounds is None:
        return ""
    low, high = bounds
    if low is None:
        return f"up to {high:.2f}"
    return f"{low:.2f} or more" if high is None else f"{low:.2f} to {high:.2f}"
