"""The laws of priors that learn the class of each pair: those with ``takes_classes``."""

from __future__ import annotations

from c2l.conformance import world
from c2l.conformance.law import require
from c2l.conformance.laws.common import EIGHT_SEEDS, require_near
from c2l.conformance.subjects import PriorSubject


def learns_no_classes(subject: PriorSubject) -> str:
    return "" if subject.cls.takes_classes else "no `takes_classes`"


def pairs_of_classes_are_learnt(subject: PriorSubject) -> None:
    """Built with ``num_classes``, it learns from pairs as ``labelled`` gives them.

    Told no class, it still finds the latents of embeddings: the prompt chooses.
    """
    nearness = world.nearness(subject.told)
    require(
        nearness > world.LEARNT,
        f"trained on pairs of {world.NUM_CLASSES} classes and told none, it comes "
        f"{nearness:.0%} of the way to latents that it has not seen; {world.LEARNT:.0%} is little",
        "hide the class in some of the training; see `Prior.without_labels`",
    )


def a_class_that_is_told_is_obeyed(subject: PriorSubject) -> None:
    """What ``options.classes`` says counts for more than the class that an embedding shows."""
    obeyed = world.obedience(subject.told)
    require(
        obeyed > world.OBEYED,
        f"told one of {world.NUM_CLASSES} classes, {obeyed:.0%} of its latents are of that one",
        "train with classes that the embedding does not show; see `c2l_priors.classes`",
    )


def a_told_latent_depends_on_its_row_alone(subject: PriorSubject) -> None:
    """On its own embedding, seed and class, whatever else is sampled with it."""
    prior = subject.told
    asked, _ = world.pairs(0, len(EIGHT_SEEDS))
    classes = [row % world.NUM_CLASSES for row in range(len(asked))]
    together = prior.sample(asked, seeds=EIGHT_SEEDS, classes=classes)
    for row, (seed, number) in enumerate(zip(EIGHT_SEEDS, classes, strict=True)):
        require_near(
            prior.sample(asked[row : row + 1], seeds=[seed], classes=[number])[0],
            together[row],
            f"a latent of class {number} changes with what else is sampled",
            "take the class of row i from options.classes[i]",
        )
