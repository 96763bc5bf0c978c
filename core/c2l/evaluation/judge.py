"""Attribute accuracy: prompts whose attributes are known, and a judge that classifies pictures."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from c2l.errors import PluginFailed
from c2l.plugins import registry


@dataclass(frozen=True)
class Question:
    """A prompt, and what a picture of it must show.

    Args:
        prompt: a text that no part of the recipe was trained on.
        named: the attributes that the prompt names, and the value of each.
    """

    prompt: str
    named: Mapping[str, int]


class Judge(Protocol):
    """Classifies what a picture shows, independently of the parts that it judges."""

    def questions(self, num: int, seed: int) -> Sequence[Question]:
        """``num`` different prompts that name at least two attributes each, chosen by ``seed``."""

    def __call__(self, images: Tensor) -> Mapping[str, Tensor]:
        """Classify pictures.

        Args:
            images: float32, (B, 3, H, W), range [-1, 1].
        Returns:
            int64, (B,), for every attribute: the value that it sees.
        """


@runtime_checkable
class CalibratedJudge(Protocol):
    """A judge that can draw its own questions: pictures that are right by construction."""

    def drawings(self, questions: Sequence[Question]) -> Tensor | None:
        """One picture for each question, float32, (B, 3, H, W), range [-1, 1].

        What the judge gets wrong about these is its own error, which limits every prior's score.
        None if some of the questions are not its own.
        """


def find_judge(generator: str) -> tuple[str, Judge] | None:
    """The judge of the recipe with this generator, after its dotted path; None if there is none.

    Args:
        generator: a reference, as in ``stylegan:demo-faces``.
    Raises:
        PluginFailed: the judge cannot be imported.
    """
    for recipe in registry().recipes().values():
        if recipe.generator == generator and recipe.judge:
            return recipe.judge, _resolve(recipe.judge, recipe.name)
    return None


@dataclass(frozen=True, eq=False)
class Marks:
    """Which of the named attributes N pictures of each of P prompts show.

    Args:
        share: float32, (P, N), of the named attributes that are there.
        all: float32, (P, N), 1 where all of them are, else 0.
        by_attribute: bool, (P', N), for each attribute, over the P' prompts that name it.
    """

    share: Tensor
    all: Tensor
    by_attribute: Mapping[str, Tensor]


def mark_attributes(named: Sequence[Mapping[str, int]], seen: Mapping[str, Tensor]) -> Marks:
    """Compare what prompts name with what the judge sees.

    Args:
        named: of each of P prompts, the attributes and their values.
        seen: int64, (P, N), for each attribute: what the judge sees in N pictures of each prompt.
    """
    right = [
        torch.stack([seen[name][i] == value for name, value in row.items()]).float()
        for i, row in enumerate(named)
    ]
    return Marks(
        share=torch.stack([marks.mean(0) for marks in right]),
        all=torch.stack([marks.amin(0) for marks in right]),
        by_attribute={
            name: torch.stack(
                [values[i] == row[name] for i, row in enumerate(named) if name in row]
            )
            for name, values in seen.items()
            if any(name in row for row in named)
        },
    )


def _resolve(path: str, recipe: str) -> Judge:
    module, _, name = path.partition(":")
    try:
        found: Judge = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginFailed(
            f"the judge {path} of the recipe {recipe} cannot be imported: {error}",
            hint="Report it to the authors of the recipe, or give your own `prompts`",
            field="judge",
        ) from error
    return found
