"""Finished evaluations side by side, with paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l.evaluation.estimates import Difference
from c2l.evaluation.result import Evaluation, Outcome
from c2l.evaluation.scores import METRICS

# What two runs must share for their pictures to be pairs.
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
        notes: what could not be compared, in words.
    """

    runs: tuple[Evaluation, ...]
    columns: tuple[Column, ...]
    differences: tuple[Mapping[str, Difference], ...]
    notes: tuple[str, ...]

    @property
    def scores(self) -> list[str]:
        """The scores that all columns have and that mean the same in all of them."""
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
                    "cost": dict(column.outcome.cost),
                }
                for column, some in zip(self.columns, ({}, *self.differences), strict=True)
            ],
        }


def compare(folders: Sequence[Path]) -> Comparison:
    """Put finished evaluations side by side.

    Prompts and seeds are the same in all, so each score is compared prompt by prompt: what one
    prompt has of luck or difficulty falls out of the difference.

    Args:
        folders: of ``evaluate``; the first is what the others are compared with.
    Raises:
        BadInput: fewer than two columns; a folder without a finished evaluation; other prompts,
            seeds or numbers of pictures. One line that names all of it.
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
            faults.append(f"{folder} has other {', '.join(other)} than {folders[0]}")
    if not faults and sum(len(run.variants) for run in runs) < 2:
        faults.append(f"there is {'only one' if runs else 'no'} run to compare")
    if faults:
        raise BadInput(
            "; ".join(faults),
            hint="Compare finished runs of the same prompts, pictures and seeds",
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
    """Scores that are by different rulers in different runs, and why."""
    left_out: list[str] = []
    notes: list[str] = []
    kinds = {
        "embedder": (("alignment/own", "diversity/own", "cmmd/own", "density/own", "coverage/own"),
                     "the recipes' own embedders differ"),
        "independent": (("alignment/independent", "diversity/independent", "cmmd/independent",
                         "density/independent", "coverage/independent"),
                        "the independent embedders differ"),
        "generator": (("cmmd", "density", "coverage", "fid", "kid", "diversity/latents"),
                      "the generators differ, and with them what pictures are compared with"),
        "judge": (("accuracy", "all"), "the judges differ"),
        "inception": (("fid", "kid"), "the networks or sizes of FID differ"),
    }  # fmt: skip
    for role, (scores, words) in kinds.items():
        rulers = {_ruler(run.settings[role]) for run in runs}
        if len(rulers) > 1:
            left_out += scores
            notes.append(f"{words}: {', '.join(scores)} are left out")
    return left_out, notes


def _ruler(value: Any) -> str:
    return str(
        value["fingerprint"] if isinstance(value, dict) and "fingerprint" in value else value
    )


def _names(folders: Sequence[Path], runs: Sequence[Evaluation]) -> list[str]:
    """What runs are called: by their priors where those differ, else by their folders."""
    priors = [_short(str(run.settings["prior"]["reference"])) for run in runs]
    return priors if len(set(priors)) == len(priors) else [str(folder) for folder in folders]


def _short(reference: str) -> str:
    """A reference without the folders of a path: ``flow:/home/me/faces.safetensors`` to
    ``flow:faces``."""
    kind, colon, name = reference.partition(":")
    return f"{kind}{colon}{Path(name).stem}" if name.endswith(".safetensors") else reference
