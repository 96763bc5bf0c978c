"""Attribute accuracy: questions whose answers are known, and a judge that sees them in pictures."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from c2l.errors import PluginFailed
from c2l.plugins import registry


@dataclass(frozen=True)
class Question:
    """A prompt, and what a picture of it must show.

    Args:
        prompt: the text, which nothing in the recipe was trained on.
        named: the attributes that the prompt names, and the value of each.
    """

    prompt: str
    named: Mapping[str, int]


class Judge(Protocol):
    """Says what a picture shows, without the help of any part that it judges."""

    def questions(self, num: int, seed: int) -> Sequence[Question]:
        """``num`` different prompts of at least two attributes each; the seed picks which."""

    def __call__(self, images: Tensor) -> Mapping[str, Tensor]:
        """Look at pictures.

        Args:
            images: float32, (B, 3, H, W), range [-1, 1].
        Returns:
            for every attribute the value that it sees, int64 (B,).
        """


@runtime_checkable
class CalibratedJudge(Protocol):
    """A judge that can show pictures of its own questions which are right by construction."""

    def drawings(self, questions: Sequence[Question]) -> Tensor | None:
        """One picture for each question, float32 (B, 3, H, W) in [-1, 1]; None if not its own.

        What the judge gets wrong on these is its own error, and the best that any prior can reach.
        """


def find_judge(generator: str) -> tuple[str, Judge] | None:
    """The judge of the recipe that draws with this generator, and its dotted path; or none.

    Args:
        generator: a reference, as in ``stylegan:demo-faces``.
    Raises:
        PluginFailed: the judge cannot be imported.
    """
    for recipe in registry().recipes().values():
        if recipe.generator == generator and recipe.judge:
            return recipe.judge, _resolve(recipe.judge, recipe.name)
    return None


def shares_right(named: Sequence[Mapping[str, int]], seen: Mapping[str, Tensor]) -> dict[str, Any]:
    """Which of the named attributes pictures show.

    Args:
        named: of each of P prompts.
        seen: int64 (P, N) for each attribute: what the judge sees in N pictures of each prompt.
    Returns:
        ``share``: float (P, N), of the named attributes that are there; ``all``: float (P, N), 1
        where all are; ``by_attribute``: bool (P', N) for each attribute, P' prompts name it.
    """
    right = {
        name: torch.stack([values[i] == row[name] for i, row in enumerate(named) if name in row])
        for name, values in seen.items()
        if any(name in row for row in named)
    }
    marks = [
        torch.stack([seen[name][i] == value for name, value in row.items()]).float()
        for i, row in enumerate(named)
    ]
    return {
        "share": torch.stack([m.mean(0) for m in marks]),
        "all": torch.stack([m.amin(0) for m in marks]),
        "by_attribute": right,
    }


def _resolve(path: str, recipe: str) -> Judge:
    module, _, name = path.partition(":")
    try:
        found: Judge = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginFailed(
            f"the judge {path} of the recipe {recipe} cannot be imported: {error}",
            hint="Report it to the authors of the recipe, or evaluate with --prompts FILE",
        ) from error
    return found
