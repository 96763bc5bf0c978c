"""A finished evaluation: its numbers, its pictures, and the files that hold them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from c2l.errors import BadInput
from c2l.evaluation.estimates import Estimate
from c2l.evaluation.plan import SCHEMA
from c2l.files import write_atomically

SUMMARY = "summary.json"
RESULTS = "results.jsonl"
PICTURES = "pictures"
REPORT = "report.html"


@dataclass(frozen=True)
class Outcome:
    """The scores of one way to sample.

    Args:
        label: what it is called in tables.
        guidance, steps: as sampled; None where the prior has no such setting, or for a baseline.
        scores: by name, see ``METRICS``.
        by_attribute: accuracy of each attribute alone.
        cost: see ``measure_costs``; empty for a baseline.
    """

    label: str
    guidance: float | None
    steps: int | None
    scores: Mapping[str, Estimate]
    by_attribute: Mapping[str, Estimate] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        raw = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in ("scores", "by_attribute"):
            raw[name] = {key: estimate.to_dict() for key, estimate in raw[name].items()}
        return raw

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        estimates = {
            name: {key: Estimate.from_dict(e) for key, e in raw[name].items()}
            for name in ("scores", "by_attribute")
        }
        return cls(**{**raw, **estimates})


@dataclass(frozen=True)
class Evaluation:
    """What ``c2l.evaluate`` returns.

    Args:
        settings: everything that the numbers depend on.
        variants: outcomes, the first one that of the first guidance and the first steps.
        baselines: what random latents give, and what the judge says of true drawings.
        rows: one for each prompt and picture of each variant: the lines of ``results.jsonl``.
        pictures: thumbnails as WebP files: for each variant, for the first prompts, all N.
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
        """The recipe, or the prior where the parts were named one by one."""
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

    def write(self, folder: Path) -> None:
        """Write ``results.jsonl``, ``pictures``, ``report.html``, and last ``summary.json``.

        Raises:
            NotWritable: the folder cannot be written.
        """
        from c2l.evaluation.report import report_page

        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
        write_atomically(folder / RESULTS, lines.encode())
        for variant, prompts in enumerate(self.pictures):
            for prompt, files in enumerate(prompts):
                for number, data in enumerate(files):
                    write_atomically(_picture(folder, variant, prompt, number), data)
        write_atomically(folder / REPORT, report_page(self).encode())
        text = json.dumps(self.summary(), indent=1, ensure_ascii=False)
        write_atomically(folder / SUMMARY, text.encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder that ``write`` has written.

        Raises:
            BadInput: it holds no finished evaluation, or a file is damaged.
        """
        path = folder / SUMMARY
        if not path.exists():
            raise BadInput(
                f"{folder} holds no finished evaluation", hint="Make one: c2l eval --out DIR"
            )
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw["schema"] != SCHEMA:
                raise ValueError(f"unknown schema {raw['schema']}")
            lines = (folder / RESULTS).read_text(encoding="utf-8").splitlines()
            num = raw["settings"]["num_images"]
            return cls(
                settings=raw["settings"],
                variants=tuple(map(Outcome.from_dict, raw["variants"])),
                baselines=tuple(map(Outcome.from_dict, raw["baselines"])),
                rows=tuple(map(json.loads, lines)),
                pictures=tuple(
                    tuple(
                        tuple(_picture(folder, v, p, n).read_bytes() for n in range(num))
                        for p in range(raw["num_shown"])
                    )
                    for v in range(len(raw["variants"]))
                ),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"the evaluation in {folder} is damaged: {error}", hint="Make it again"
            ) from error


def _picture(folder: Path, variant: int, prompt: int, number: int) -> Path:
    return folder / PICTURES / f"{variant}-{prompt:03}-{number:02}.webp"
