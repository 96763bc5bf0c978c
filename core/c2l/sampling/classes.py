"""The class of what is sampled: chosen by the text, or given; and said by the record.

A prior that learnt classes is told a given one. Whatever a prior sampled is then brought into it by
the generator, so that a class that is asked for is obeyed, also by priors that know of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from c2l.classes import Classes
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.prior import Prior


def class_number(prior: Prior, generator: Generator, label: int | str | None) -> int | None:
    """The number of the class that is asked for; None if the text chooses.

    Raises:
        BadInput: the generator has no such class, or none at all; or the prior was trained on
            others.
    """
    if label is None:
        return None
    classes = _classes(generator)
    number = classes.number(label)
    trained = prior.card.class_labels if prior.card else ()
    if trained and number not in trained:
        names = [classes.name(n) for n in trained]
        few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise BadInput(
            f"{prior.reference or 'the prior'} was trained on {few}, not on {classes.name(number)}",
            hint="Choose one of those, or train a prior on more classes",
            field="class_label",
        )
    return number


def sample_of_class(
    prior: Prior, generator: Generator, embeddings: Tensor, *, number: int | None, **how: Any
) -> Tensor:
    """Latents of the prior, (B, K, D).

    Args:
        embeddings, how: as in ``Prior.sample``.
        number: of the class that all are of; None for any.
    """
    if number is None:
        return prior.sample(embeddings, **how)
    classes = [number] * len(embeddings)
    return generator.in_classes(prior.sample(embeddings, classes=classes, **how), classes)


def random_latents(
    generator: Generator, seeds: Sequence[int], labels: Sequence[int | str | None]
) -> Tensor:
    """Latents of the generator's own distribution, (B, K, D).

    Args:
        labels: the class of each; None for one that its seed draws.
    Raises:
        BadInput: the generator has no such class, or none at all.
    """
    if all(label is None for label in labels):
        return generator.sample_latents(seeds)
    classes = _classes(generator)
    numbers = [
        drawn if label is None else classes.number(label)
        for label, drawn in zip(labels, classes.draw(seeds), strict=True)
    ]
    return generator.sample_class_latents(seeds, numbers)


def _classes(generator: Generator) -> Classes:
    if generator.classes is None:
        raise BadInput(
            f"{generator.reference or type(generator).__name__} has no classes",
            hint="Leave out `class_label`",
            field="class_label",
        )
    return generator.classes


def name_classes(generator: Generator, latents: Tensor) -> list[str]:
    """What the class of each latent (B, K, D) is called; nothing without classes."""
    if generator.classes is None:
        return []
    return [generator.classes.name(n) for n in generator.classes_of(latents).tolist()]
