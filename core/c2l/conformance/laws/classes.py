"""The laws of generators that are told a class."""

from __future__ import annotations

import torch

from c2l.classes import Classes
from c2l.conformance.law import require
from c2l.conformance.laws.common import (
    EIGHT_SEEDS,
    NEAR,
    distance,
    nothing_shared_changes,
    refuses,
    require_near,
    require_tensor,
)
from c2l.conformance.laws.generator_latents import Generators
from c2l.conformance.uses import SEEDS


def has_no_classes(subject: Generators) -> str:
    return "" if subject.part.classes is not None else "no classes"


def seeds_draw_classes(subject: Generators) -> None:
    """``sample_latents`` draws of each class what training showed: what ``classes.draw`` says.

    A label of zeros, or always the same, is what training never showed.
    """
    part, classes = subject.part, _classes(subject)
    with nothing_shared_changes():
        told = part.sample_class_latents(EIGHT_SEEDS, classes.draw(EIGHT_SEEDS))
    space = part.latent_space
    shape = (len(EIGHT_SEEDS), space.num_codes, space.width)
    require_tensor(told, shape, part, "latents of classes")
    require_near(
        part.sample_latents(EIGHT_SEEDS),
        told,
        "`sample_latents` draws other latents than those of the classes that `classes.draw` gives",
        "end it with self.sample_class_latents(seeds, self.classes.draw(seeds))",
    )


def a_class_latent_depends_on_its_row_alone(subject: Generators) -> None:
    """On one seed and one class, whatever else is drawn with it."""
    part, classes = subject.part, _several(subject)
    together = part.sample_class_latents(EIGHT_SEEDS, classes)
    for row, (seed, number) in enumerate(zip(EIGHT_SEEDS, classes, strict=True)):
        require_near(
            part.sample_class_latents([seed], [number])[0],
            together[row],
            f"seed {seed} and class {number} give another latent in another batch",
        )


def another_class_is_another_latent(subject: Generators) -> None:
    """Of the same seed: else it does not matter what it is told."""
    part, num = subject.part, _classes(subject).num
    first, last = (part.sample_class_latents(SEEDS, [c] * len(SEEDS)) for c in (0, num - 1))
    require(num == 1 or distance(first, last) > NEAR, "all classes give one latent")


def what_is_no_class_is_refused(subject: Generators) -> None:
    """With ``BadInput``, before an index runs over."""
    num = _classes(subject).num
    refuses(lambda: subject.part.sample_class_latents([0], [-1]), "class -1")
    refuses(lambda: subject.part.sample_class_latents([0], [num]), f"class {num} of {num}")


def latents_can_be_brought_into_a_class(subject: Generators) -> None:
    """``in_classes`` gives latents that ``classes_of`` says are of those classes.

    So that a class that is asked for is obeyed, whatever a prior has sampled.
    """
    part, classes = subject.part, _several(subject)
    latents = part.sample_latents(EIGHT_SEEDS)
    kept = latents.clone()
    moved = part.in_classes(latents, classes)
    require(torch.equal(latents, kept), "`in_classes` writes to its latents", "copy them first")
    require_tensor(moved, tuple(latents.shape), part, "latents in classes")
    found = part.classes_of(moved).tolist()
    require(found == list(classes), f"latents brought into classes {list(classes)} are of {found}")


def latents_of_a_class_stay(subject: Generators) -> None:
    """``in_classes`` leaves those that are of their class already, to the last bit."""
    part = subject.part
    latents = part.sample_latents(EIGHT_SEEDS)
    same = part.in_classes(latents, part.classes_of(latents).tolist())
    require(
        torch.allclose(same, latents, rtol=0, atol=1e-5),
        "`in_classes` changes latents that are of their class",
    )


def _classes(subject: Generators) -> Classes:
    assert subject.part.classes is not None
    return subject.part.classes


def _several(subject: Generators) -> list[int]:
    """Eight classes, of which there may be fewer."""
    num = _classes(subject).num
    return [i * num // 8 % num for i in range(8)]
