"""Finished evaluations side by side, with paired tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l.evaluation.estimates import Difference
from c2l.evaluation.metrics import METRICS
from c2l.evaluation.result import Evaluation, Outcome
from c2l.places import Place

# What runs must share so that their pictures can be paired; as messages call it.
_SAME = {
    "prompts": "prompts",
    "named": "named attributes",
    "seed": "first seed",
    "num_images": "number of pictures",
    "num_reference": "number of reference pictures",
}


@dataclass(frozen=True)
class Column:
    """One variant of one run."""

    label: str
    run: int
    variant: int
    outcome: Outcome


@dataclass(frozen=True)
class Comparison:
    """Runs on the same prompts and seeds.

    Args:
        runs: in the order given.
        columns: every variant of every run; the first is what the others are compared with.
        differences: of each other column from the first, by score.
        notes: one sentence for each reason why scores are left out.
    """

    runs: tuple[Evaluation, ...]
    columns: tuple[Column, ...]
    differences: tuple[Mapping[str, Difference], ...]
    notes: tuple[str, ...]

    @property
    def scores(self) -> list[str]:
        """The scores that all columns have, measured in the same way."""
        return [n for n in METRICS if all(n in some for some in self.differences)]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        first = self.columns[0]
        return {
            "compared_with": first.label,
            "notes": list(self.notes),
            "columns": [
                {
                    "label": column.label,
                    "scores": {
                        n: {"value": e.value, "error": e.error}
                        for n, e in column.outcome.scores.items()
                        if n in self.scores
                    },
                    "differences": {n: d.to_dict() for n, d in some.items() if n in self.scores},
                    "cost": dataclasses.asdict(column.outcome.cost) if column.outcome.cost else {},
                }
                for column, some in zip(self.columns, ({}, *self.differences), strict=True)
            ],
        }


def compare(folders: Sequence[Place]) -> Comparison:
    """Put finished evaluations side by side.

    All have the same prompts and seeds, so each score is compared prompt by prompt: that one
    prompt is harder than another cancels out in the difference.

    Args:
        folders: as ``evaluate`` wrote them; the others are compared with the first.
    Raises:
        BadInput: fewer than two columns; a folder without a finished evaluation; runs that differ
            in prompts, seeds or numbers of pictures. One line that names all of it.
    """
    runs, faults = [], []
    for folder in folders:
        try:
            runs.append(Evaluation.load(folder))
        except BadInput as error:
            faults.append(error.message)
    for folder, run in zip(folders, runs, strict=False) if not faults else ():
        other = [
            words for key, words in _SAME.items() if run.settings[key] != runs[0].settings[key]
        ]
        if other:
            faults.append(f"{folder} and {folders[0]} differ in {', '.join(other)}")
    if not faults and sum(len(run.variants) for run in runs) < 2:
        faults.append("a single run cannot be compared" if runs else "no run is given")
    if faults:
        raise BadInput(
            "; ".join(faults),
            hint="Compare two or more finished runs with the same prompts, seeds and `num_images`",
        )

    names = _names(folders, runs)
    columns = tuple(
        Column(f"{name}: {v.label}" if len(run.variants) > 1 else name, r, i, v)
        for r, (name, run) in enumerate(zip(names, runs, strict=True))
        for i, v in enumerate(run.variants)
    )
    left_out, notes = _left_out(runs)
    first = columns[0].outcome.scores
    differences = tuple(
        {
            name: Difference.between(column.outcome.scores[name], first[name])
            for name in METRICS
            if name in first
            and name in column.outcome.scores
            and not any(name.startswith(prefix) for prefix in left_out)
        }
        for column in columns[1:]
    )
    return Comparison(tuple(runs), columns, differences, tuple(notes))


def _left_out(runs: Sequence[Evaluation]) -> tuple[list[str], list[str]]:
    """Prefixes of scores that the runs measured in different ways, and why."""
    left_out: list[str] = []
    notes: list[str] = []
    kinds = {
        "embedder": (("alignment/own", "diversity/own", "cmmd/own", "density/own", "coverage/own"),
                     "the recipes' own embedders differ"),
        "independent": (("alignment/independent", "diversity/independent", "cmmd/independent",
                         "density/independent", "coverage/independent"),
                        "the independent embedders differ"),
        "generator": (("cmmd", "density", "coverage", "fid", "kid", "diversity/latents"),
                      "the generators differ, and with them the reference pictures"),
        "judge": (("accuracy", "all"), "the judges differ"),
        "inception": (("fid", "kid"), "FID was computed in different ways"),
    }  # fmt: skip
    for role, (scores, words) in kinds.items():
        if len({_identity(run.settings[role]) for run in runs}) > 1:
            left_out += scores
            notes.append(f"{words}: {', '.join(scores)} are left out")
    return left_out, notes


def _identity(value: Any) -> str:
    """A part's fingerprint; or the whole value if it is not one."""
    return str(value.get("fingerprint", value) if isinstance(value, dict) else value)


def _names(folders: Sequence[Place], runs: Sequence[Evaluation]) -> list[str]:
    """The runs' names: their priors where those differ, else their folders."""
    priors = [_short(str(run.settings["prior"]["reference"])) for run in runs]
    names = [folder.name for folder in folders]
    for candidates in (priors, names):
        if len(set(candidates)) == len(candidates):
            return candidates
    return [str(folder) for folder in folders]


def _short(reference: str) -> str:
    """``flow:/home/me/faces.safetensors`` to ``flow:faces``; other references as they are."""
    kind, colon, name = reference.partition(":")
    return f"{kind}{colon}{Path(name).stem}" if name.endswith(".safetensors") else reference
