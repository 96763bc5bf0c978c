"""How the pictures' embeddings and the texts' lie, and which bridge that suggests."""

# Letters: E embedding width, N pictures, M texts.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

MOST_PICTURES = 4096
NO_SPREAD = 1e-3
"""Of unit vectors around their mean: closer together, they tell nothing apart."""
NUM_DIRECTIONS = 256
LEAST_TOLD = 1.2
"""Lists of prompts that suit a generator have 1.7 to 4, those of other worlds up to 1.9."""
CROWDED = 0.6
"""In cosine: chance counts as no nearer than that. In a few dimensions pictures lie in every
direction, and no prompt can be much nearer to one than chance is."""
LEAST_NAMED, LEAST_PART = 0.02, 0.25
"""In cosine; and as a part of what any two pictures lack to be alike, since there are embedders to
which all pictures are alike to .99. Lists that suit have .05 to .4 of the one and .6 to 3 times the
other, those of other worlds next to nothing where all prompts are alike to the embedder."""
FEWEST_NEIGHBOURS = 4
"""Different pictures that a text may be taken for, however few there are."""
FEWEST_ANSWERS = 3
"""The same where stored pictures are the answer. Of 300 pairs only one fits nearly as well as the
best for a third of all texts, and whoever asks for eight would get it eight times; of 1,000 and
more, three show as much as one (``benchmarks/held_out.md``)."""


def least_named(pictures_alike: float) -> float:
    """How much nearer to its own prompt than to others the nearest picture is at least, where
    prompts suit and any two pictures have such a mean cosine."""
    return min(LEAST_NAMED, LEAST_PART * max(1 - pictures_alike, NO_SPREAD**2))


@dataclass(frozen=True)
class Clouds:
    """Statistics of unit embeddings.

    Args:
        pictures_alike, texts_alike: mean cosine of any two.
        apart: distance of the two means.
        separable: how often the direction between the means tells a picture from a text; .5 is
            chance.
        nearest: mean cosine of a text and the picture nearest to it.
        told: how much nearer that picture is than to a random direction, each cloud around its
            mean; 1 is chance.
        named: how much nearer that picture is to its own text than to the others, in cosine.
    """

    pictures_alike: float
    texts_alike: float
    apart: float
    separable: float
    nearest: float
    told: float
    named: float

    @classmethod
    def measure(cls, pictures: Tensor, texts: Tensor) -> Clouds:
        """Of pictures (N, E) and texts (M, E), as the embedder gives them."""
        seen = normalize(pictures[:MOST_PICTURES].double(), dim=1)
        read = normalize(texts.double(), dim=1)
        told, named = _told(seen, read)
        between = read.mean(dim=0) - seen.mean(dim=0)
        theirs, ours = (seen @ between).sort().values, read @ between
        below = torch.searchsorted(theirs, ours, right=False)
        not_above = torch.searchsorted(theirs, ours, right=True)
        return cls(
            pictures_alike=alike(seen),
            texts_alike=alike(read),
            apart=float(between.norm()),
            separable=float((below + not_above).double().mean() / (2 * len(theirs))),
            nearest=float((read @ seen.T).amax(dim=1).mean()),
            told=told,
            named=named,
        )

    @property
    def far_apart(self) -> bool:
        """Whether texts lie further from pictures than they spread among themselves."""
        return self.apart > (1 - self.texts_alike) ** 0.5

    @property
    def pictures_differ(self) -> bool:
        return 1 - self.pictures_alike > NO_SPREAD**2

    @property
    def texts_differ(self) -> bool:
        return 1 - self.texts_alike > NO_SPREAD**2

    @property
    def texts_suit(self) -> bool:
        """Whether texts name what tells these pictures apart: else none is near any of them."""
        return self.told >= LEAST_TOLD and self.named >= least_named(self.pictures_alike)


def candidates(clouds: Clouds | None, num_pictures: int = MOST_PICTURES) -> list[dict[str, Any]]:
    """Settings of a prior worth trying, the likeliest first.

    There is only one where nothing is known of how texts lie to pictures, or where texts that say
    nothing of them would have to choose.

    Args:
        clouds: None where there are no texts.
        num_pictures: N; of few, a larger share counts as near.
    """
    near = _near(num_pictures)
    if clouds is None:
        return [_bridge("neighbours", pull=0.75, nearest=max(0.006, near["nearest"]))]
    if not (clouds.texts_differ and clouds.pictures_differ):
        return [_bridge(text_noise=1.0)]
    found = [_bridge("centring", "neighbours", pull=pull, **near) for pull in (1.0, 0.4)]
    for centring in ((), ("centring",)):
        for projection in ((), ("projection",)):
            found.append(_bridge(*centring, *projection, **MIDDLE))
    # Where the two lie far apart, pictures tell best where a text belongs among them. Where they
    # do not, a text can ask for more than any picture shows.
    found = found if clouds.far_apart else [*found[2:], *found[:2]]
    found.append(_bridge("centring", "neighbours", **_stored(num_pictures, STORED_SLACKS[0])))
    return found if clouds.texts_suit else found[:1]


def candidates_near(settings: Mapping[str, Any], num_pictures: int) -> list[dict[str, Any]]:
    """The same ingredients, read from literally to loosely; and a text that is taken for pictures
    near it only partly, which often draws more varied ones that fit as well.

    Args:
        settings: of a prior, as one of ``candidates`` has them.
        num_pictures: N.
    """
    gap, pull = settings["gap"], settings["pull"]
    ingredients, near = gap.split("+")[1:], _near(num_pictures)
    if "neighbours" not in ingredients:
        kept = [name for name in ingredients if name != "projection"]
        return [
            *(_bridge(*ingredients, **reading) for reading in READINGS),
            *(_bridge(*kept, "neighbours", pull=part, **near) for part in PARTLY),
        ]
    if pull < 1:
        return [_bridge(*ingredients, pull=part, **near) for part in PARTLY if part != pull]
    if settings.get("retrieval"):
        return [_bridge(*ingredients, **_stored(num_pictures, slack)) for slack in STORED_SLACKS]
    return [_bridge(*ingredients, **{**near, "pull": 1.0, "slack": slack}) for slack in SLACKS]


def _stored(num_pictures: int, slack: float) -> dict[str, Any]:
    """Which of N stored pictures may be the answer: those that fit nearly as well as the best."""
    fewest = min(1.0, round(FEWEST_ANSWERS / num_pictures, 6))
    return {"pull": 1.0, "retrieval": True, "nearest": fewest, "slack": slack}


def _near(num_pictures: int) -> dict[str, Any]:
    """Which of N pictures a text may be taken for."""
    fewest = min(1.0, round(FEWEST_NEIGHBOURS / num_pictures, 4))
    return {"nearest": max(NEAREST, fewest), "slack": SLACK}


NEAREST = 0.001
"""Of stored pictures: four of 4,096, 16 of 16,384."""
SLACK = 0.05
"""Of what many pictures fit, many may be taken, and of what is rare only the few that there are: so
accuracy falls less, for as much variety, than if they were as many for each text."""

PARTLY = (0.2, 0.3, 0.4)
"""How far a text moves that does not move all the way: in worlds whose truth is known, half way and
further shows less than fewer pictures do, for as much variety."""
SLACKS = (0.0, 0.03, 0.1)
STORED_SLACKS = (0.1, 0.05, 0.15)
"""Where stored latents answer, from the picture that fits best: at the same variety, that shows
up to two points more than a smaller slack from the eleventh, which is wrong already where people
name five things at once (``benchmarks/held_out.md``)."""

MIDDLE: Mapping[str, Any] = {"text_noise": 0.5, "adherence": 0.5}

READINGS: Sequence[Mapping[str, Any]] = (
    {"text_noise": 0.25, "adherence": 1.0},
    MIDDLE,
    {"text_noise": 0.75, "adherence": 0.4},
    {"text_noise": 1.0, "adherence": 0.25},
)
"""Of a text, from literal to loose."""


def _bridge(
    *ingredients: str,
    text_noise: float = 0.25,
    adherence: float = 1.0,
    pull: float = 0.5,
    nearest: float = 0.005,
    slack: float = 0.0,
    retrieval: bool = False,
) -> dict[str, Any]:
    """Settings of a gap with blur and these ingredients."""
    return {
        "gap": "+".join(("blur", *ingredients)),
        "text_noise": text_noise,
        "adherence": adherence,
        "pull": pull,
        "nearest": nearest,
        "slack": slack,
        "retrieval": retrieval,
    }


def _told(seen: Tensor, read: Tensor) -> tuple[float, float]:
    """``told`` and ``named`` of unit pictures (N, E) and texts (M, E)."""
    centred = normalize(seen - seen.mean(dim=0), dim=1)
    asked = normalize(read - read.mean(dim=0), dim=1)
    rng = torch.Generator().manual_seed(0)
    anywhere = torch.randn(NUM_DIRECTIONS, seen.shape[1], generator=rng, dtype=seen.dtype)
    near = (centred @ asked.T).max(dim=0)
    by_chance = (centred @ normalize(anywhere, dim=1).to(centred).T).amax(dim=0).mean()
    told = float(near.values.mean() / by_chance.clamp(1e-6, CROWDED))
    cosines = seen[near.indices] @ read.T
    own, num = cosines.diagonal().sum(), len(read)
    others = (cosines.sum() - own) / max(1, num * (num - 1))
    return told, float(own / num - others)


def alike(unit: Tensor) -> float:
    """The mean cosine of any two different rows; 1 for one row alone."""
    num = len(unit)
    if num < 2:
        return 1.0
    return float((unit.sum(dim=0).square().sum() - num) / (num * (num - 1)))
