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


@dataclass(frozen=True)
class Clouds:
    """Statistics of unit embeddings.

    Args:
        pictures_alike, texts_alike: mean cosine of any two.
        apart: distance of the two means.
        separable: how often the direction between the means tells a picture from a text; .5 is
            chance.
        nearest: mean cosine of a text and the picture nearest to it.
    """

    pictures_alike: float
    texts_alike: float
    apart: float
    separable: float
    nearest: float

    @classmethod
    def measure(cls, pictures: Tensor, texts: Tensor) -> Clouds:
        """Of pictures (N, E) and texts (M, E), as the embedder gives them."""
        seen = normalize(pictures[:MOST_PICTURES].double(), dim=1)
        read = normalize(texts.double(), dim=1)
        between = read.mean(dim=0) - seen.mean(dim=0)
        theirs, ours = (seen @ between).sort().values, read @ between
        below = torch.searchsorted(theirs, ours, right=False)
        not_above = torch.searchsorted(theirs, ours, right=True)
        return cls(
            pictures_alike=_alike(seen),
            texts_alike=_alike(read),
            apart=float(between.norm()),
            separable=float((below + not_above).double().mean() / (2 * len(theirs))),
            nearest=float((read @ seen.T).amax(dim=1).mean()),
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


def candidates(clouds: Clouds | None) -> list[dict[str, Any]]:
    """Settings of a prior worth trying, the likeliest first.

    There is only one where nothing is known of how texts lie to pictures.

    Args:
        clouds: None where there are no texts.
    """
    if clouds is None:
        return [_bridge("neighbours", pull=0.75, nearest=0.006)]
    if not (clouds.texts_differ and clouds.pictures_differ):
        return [_bridge(text_noise=1.0)]
    found = [
        _bridge("centring", "neighbours", pull=pull, nearest=nearest)
        for pull, nearest in ((0.75, 0.006), (1.0, 0.003), (1.0, 0.006), (1.0, 0.012))
    ]
    for centring in ((), ("centring",)):
        for projection in ((), ("projection",)):
            found += [_bridge(*centring, *projection, **reading) for reading in READINGS]
    # Where the two lie far apart, pictures tell best where a text belongs among them. Where they
    # do not, a text can ask for more than any picture shows.
    return found if clouds.far_apart else [*found[4:], *found[:4]]


READINGS: Sequence[Mapping[str, float]] = (
    {"text_noise": 0.25, "adherence": 1.0},
    {"text_noise": 0.5, "adherence": 0.5},
    {"text_noise": 1.0, "adherence": 0.25},
)
"""Of a text, from literal to loose."""


def _bridge(
    *ingredients: str,
    text_noise: float = 0.25,
    adherence: float = 1.0,
    pull: float = 0.5,
    nearest: float = 0.005,
) -> dict[str, Any]:
    """Settings of a gap with blur and these ingredients."""
    return {
        "gap": "+".join(("blur", *ingredients)),
        "text_noise": text_noise,
        "adherence": adherence,
        "pull": pull,
        "nearest": nearest,
    }


def _alike(unit: Tensor) -> float:
    """The mean cosine of any two different rows; 1 for one row alone."""
    num = len(unit)
    if num < 2:
        return 1.0
    return float((unit.sum(dim=0).square().sum() - num) / (num * (num - 1)))
