"""A finished evaluation: its numbers, its pictures, and the files that hold them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from c2l.errors import BadInput
from c2l.evaluation.estimates import Estimate
from c2l.evaluation.plan import SCHEMA
from c2l.files import write_atomically
from c2l.places import Place, read_many, write_many

SUMMARY = "summary.json"
RESULTS = "results.jsonl"
PICTURES = "pictures"


@dataclass(frozen=True)
class Cost:
    """What one picture costs.

    Args:
        alone: milliseconds by stage of one picture of one prompt, all its candidates included;
            medians of five.
        in_batches: milliseconds by stage of one picture, mean over the whole evaluation.
        evaluations: calls of the prior's network, for all candidates together.
        passes: rows in those calls; more than calls where guidance takes two for each.
        parameters: numbers stored in each part.
        peak_memory: in bytes, of the device if it has memory of its own, else of the whole process
            so far; None where it cannot be measured.
    """

    alone: Mapping[str, float]
    in_batches: Mapping[str, float]
    evaluations: int
    passes: int
    parameters: Mapping[str, int]
    peak_memory: int | None

    @property
    def total(self) -> float:
        """Milliseconds of one picture alone, over all stages."""
        return sum(self.alone.values())


@dataclass(frozen=True)
class Outcome:
    """The scores of one variant or baseline.

    Args:
        label: what it is called in tables.
        scores: by name, see ``METRICS``.
        by_attribute: accuracy of each attribute alone.
        guidance, steps: as sampled; None for a baseline, or where the prior has no such setting.
        cost: None for a baseline.
    """

    label: str
    scores: Mapping[str, Estimate]
    by_attribute: Mapping[str, Estimate] = field(default_factory=dict)
    guidance: float | None = None
    steps: int | None = None
    cost: Cost | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "label": self.label,
            "guidance": self.guidance,
            "steps": self.steps,
            "scores": {name: e.to_dict() for name, e in self.scores.items()},
            "by_attribute": {name: e.to_dict() for name, e in self.by_attribute.items()},
            "cost": dataclasses.asdict(self.cost) if self.cost else {},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """What ``to_dict`` gave."""
        return cls(
            label=raw["label"],
            scores={name: Estimate.from_dict(e) for name, e in raw["scores"].items()},
            by_attribute={n: Estimate.from_dict(e) for n, e in raw["by_attribute"].items()},
            guidance=raw["guidance"],
            steps=raw["steps"],
            cost=Cost(**raw["cost"]) if raw["cost"] else None,
        )


@dataclass(frozen=True)
class Evaluation:
    """What ``c2l.evaluate`` returns.

    Args:
        settings: everything that the numbers depend on.
        variants: outcomes, the first one of the first guidance and the first steps.
        baselines: the scores of random latents, and of the judge's true drawings if it has any.
        rows: the lines of ``results.jsonl``, one for each picture of each variant.
        pictures: thumbnails as WebP files, by variant, prompt (the first ones) and picture.
    """

    settings: Mapping[str, Any]
    variants: tuple[Outcome, ...]
    baselines: tuple[Outcome, ...]
    rows: tuple[Mapping[str, Any], ...] = ()
    pictures: tuple[tuple[tuple[bytes, ...], ...], ...] = ()

    @property
    def scores(self) -> Mapping[str, Estimate]:
        """Of the first variant."""
        return self.variants[0].scores

    @property
    def name(self) -> str:
        """The recipe, or the prior where there is no recipe."""
        return str(self.settings["recipe"] or self.settings["prior"]["reference"])

    def summary(self) -> dict[str, Any]:
        """Settings and scores, JSON-able."""
        return {
            "schema": SCHEMA,
            "settings": dict(self.settings),
            "num_shown": len(self.pictures[0]) if self.pictures else 0,
            "variants": [outcome.to_dict() for outcome in self.variants],
            "baselines": [outcome.to_dict() for outcome in self.baselines],
        }

    def write(self, folder: Place) -> None:
        """Write ``results.jsonl``, ``pictures``, and last ``summary.json``.

        Raises:
            NotWritable: the folder cannot be written.
        """
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
        write_atomically(folder / RESULTS, lines.encode())
        shown = {
            _picture(variant, prompt, number): data
            for variant, prompts in enumerate(self.pictures)
            for prompt, files in enumerate(prompts)
            for number, data in enumerate(files)
        }
        write_many(folder / PICTURES, shown)
        text = json.dumps(self.summary(), indent=1, ensure_ascii=False)
        write_atomically(folder / SUMMARY, text.encode())

    @classmethod
    def load(cls, folder: Place) -> Self:
        """Read a folder that ``write`` has written.

        Raises:
            BadInput: it holds no finished evaluation, or a file is damaged.
        """
        path = folder / SUMMARY
        if not path.exists():
            raise BadInput(
                f"{folder} holds no finished evaluation",
                hint=f"Make one with 'c2l eval', giving it `out={folder}`",
            )
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw["schema"] != SCHEMA:
                raise ValueError(f"unknown schema {raw['schema']}")
            lines = (folder / RESULTS).read_text(encoding="utf-8").splitlines()
            each = range(raw["settings"]["num_images"])
            shown = [
                _picture(variant, prompt, number)
                for variant in range(len(raw["variants"]))
                for prompt in range(raw["num_shown"])
                for number in each
            ]
            pictures = dict(zip(shown, read_many(folder / PICTURES, shown), strict=True))
            return cls(
                settings=raw["settings"],
                variants=tuple(map(Outcome.from_dict, raw["variants"])),
                baselines=tuple(map(Outcome.from_dict, raw["baselines"])),
                rows=tuple(map(json.loads, lines)),
                pictures=tuple(
                    tuple(
                        tuple(pictures[_picture(v, p, n)] for n in each)
                        for p in range(raw["num_shown"])
                    )
                    for v in range(len(raw["variants"]))
                ),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"the evaluation in {folder} is damaged: {error}",
                hint="Remove the folder and evaluate again",
            ) from error


def _picture(variant: int, prompt: int, number: int) -> str:
    return f"{variant}-{prompt:03}-{number:02}.webp"
