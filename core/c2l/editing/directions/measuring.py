"""What moves of latents change in the pictures, and how far a direction has to go.

The measure is the same whatever a direction was made from. There are pictures without the thing and
pictures with it; the difference of their mean unit embeddings is the axis along which the two are
told apart, and its length is how far. Strength 1 moves pictures without the thing that far along
this axis. So it shows the thing as clearly as it is usually shown: the eye sees a smile, not a
number of standard deviations, of which a smile takes few and a change of place many.
"""

# Letters: B pictures, E embedding width, L layers of the generator, D width of a code.

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, normalize

from c2l.budgets import SAMPLING
from c2l.errors import BadInput
from c2l.sampling.parts import Parts

FURTHEST = 4.0
"""The most times that a difference of means is taken."""

_FAINT = 0.05
"""Of the distance between any two pictures: kinds of pictures that lie nearer are no two kinds."""

_NEARLY = 0.95
_ROUNDS = 4
_TRIED_ON = 24
"""Pictures that strengths are tried on."""

MOST_TRIED = 8 * _TRIED_ON
"""Pictures that ``calibrate`` may draw."""

_SMALL = 32
"""Sides of a small picture, at most."""


OnProgress = Callable[[int, int], None]
"""Called with the number of pictures drawn so far, and of all that may be."""


class Count:
    """Counts the pictures that are drawn to make a direction.

    Args:
        total: the most that may be drawn.
        report: told.
    """

    def __init__(self, total: int, report: OnProgress | None) -> None:
        self._done, self._total, self._report = 0, total, report or (lambda done, total: None)

    def __call__(self, num: int) -> None:
        self._done += num
        self._report(min(self._done, self._total), self._total)

    def finish(self) -> None:
        """No more are needed."""
        self(self._total - self._done)


class Pictures(NamedTuple):
    """Pictures, and what is kept of them.

    Args:
        latents: (B, L, D).
        seen: their embeddings, (B, E).
        small: the pictures themselves, in few pixels, (B, P).
    """

    latents: Tensor
    seen: Tensor
    small: Tensor

    def rows(self, chosen: Tensor) -> Pictures:
        """Some of them: indices, or a mask."""
        return Pictures(*(x[chosen] for x in self))

    def with_rows(self, chosen: Tensor, others: Pictures) -> Pictures:
        """These, and in the place of some, indices or a mask, others."""
        return Pictures(*(x.index_put((chosen,), new) for x, new in zip(self, others, strict=True)))

    def where(self, chosen: Tensor, others: Pictures) -> Pictures:
        """These where a mask (B,) says so, else the others."""
        return Pictures(
            torch.where(chosen[:, None, None], self.latents, others.latents),
            torch.where(chosen[:, None], self.seen, others.seen),
            torch.where(chosen[:, None], self.small, others.small),
        )


def look_at(parts: Parts, latents: Tensor, truncation: float = 1.0) -> Pictures:
    """The pictures of latents (B, L, D), all at once; gradients pass through."""
    images = parts.generator.synthesize(latents, truncation=truncation)
    height, width = (min(side, _SMALL) for side in images.shape[2:])
    small = adaptive_avg_pool2d(images.clamp(-1, 1), (height, width)).flatten(1)
    return Pictures(latents, parts.embedder.embed_images(images), small)


@torch.no_grad()
def look(
    parts: Parts,
    latents: Tensor,
    truncation: float = 1.0,
    on_seen: Callable[[int], None] = lambda num: None,
) -> Pictures:
    """The pictures of latents (B, L, D), as many at once as memory allows.

    Args:
        on_seen: told how many were drawn, a few at a time.
    """
    generator = parts.generator
    found = []
    for some in latents.split(SAMPLING.pictures(generator.image_size, generator.device.type)):
        found.append(look_at(parts, some, truncation))
        on_seen(len(some))
    return Pictures(*(torch.cat(values) for values in zip(*found, strict=True)))


def see(
    parts: Parts,
    latents: Tensor,
    truncation: float = 1.0,
    on_seen: Callable[[int], None] = lambda num: None,
) -> Tensor:
    """The embeddings (B, E) of the pictures of latents (B, L, D).

    Args:
        on_seen: told how many were drawn, a few at a time.
    """
    return look(parts, latents, truncation, on_seen).seen


def own_pictures(parts: Parts, num: int, seed: int, on_seen: Callable[[int], None]) -> Pictures:
    """Pictures that the generator draws by itself, of the seeds from ``seed`` on."""
    space = parts.generator.latent_space
    latents = space.expand(parts.generator.sample_latents(range(seed, seed + num)))
    return look(parts, latents, on_seen=on_seen)


def pictures_of(
    parts: Parts,
    text: str,
    num: int,
    *,
    truncation: float = 1.0,
    on_seen: Callable[[int], None] = lambda num: None,
) -> Tensor:
    """Embeddings (B, E) of pictures that the prior draws for a text."""
    embedding = parts.embedder.embed_text([text])
    latents = parts.prior.sample(embedding.expand(num, -1), seeds=range(num))
    latents = latents.to(parts.generator.device)
    space = parts.generator.latent_space
    return see(parts, space.expand(latents, parts.prior.repeats), truncation, on_seen)


class Calibrated(NamedTuple):
    """A step of strength 1.

    Args:
        step: (L, D).
        seen: how far it moves pictures along the axis.
        wanted: how far it should.
    """

    step: Tensor
    seen: float
    wanted: float

    @property
    def measures(self) -> dict[str, float]:
        return {"seen": self.seen, "wanted": self.wanted}


def calibrate(
    parts: Parts,
    raw: Tensor,
    without: Pictures,
    shown: Tensor,
    name: str,
    on_seen: Callable[[int], None],
) -> Calibrated:
    """How far a raw step (L, D) has to go.

    Args:
        without: pictures that do not show the thing.
        shown: embeddings (B', E) of pictures that do.
        name: of the direction, for errors.
    Raises:
        BadInput: nothing that is seen tells the two kinds of pictures apart, or the step does not
            change it.
    """
    unit = normalize(without.seen, dim=1)
    axis = normalize(shown, dim=1).mean(dim=0) - unit.mean(dim=0)
    wanted = float(axis.norm())
    apart = float((unit - unit.roll(1, dims=0)).norm(dim=1).mean())
    if wanted <= _FAINT * apart:
        raise BadInput(
            f"'{name}' changes next to nothing: what is seen moves by {wanted:.3f}, where any "
            f"two pictures differ by {apart:.3f}",
            hint="Say it in other words, or give other pictures",
            field="end",
        )
    some = without.rows(torch.arange(min(_TRIED_ON, len(unit))))
    base = normalize(some.seen, dim=1).mean(dim=0) @ axis / wanted

    def moved(strength: float) -> float:
        latents = some.latents + strength * raw
        seen = normalize(see(parts, latents, on_seen=on_seen), dim=1)
        return float(seen.mean(dim=0) @ axis / wanted - base)

    strength, seen = smallest(moved, wanted)
    if seen <= _FAINT * wanted:
        raise BadInput(
            f"'{name}' moves latents and hardly changes what is seen: by {seen:.3f} of "
            f"{wanted:.3f}",
            hint="Keep less, or say it in other words",
            field="end",
        )
    return Calibrated(strength * raw, seen, wanted)


def smallest(moved: Callable[[float], float], wanted: float) -> tuple[float, float]:
    """The smallest strength up to ``FURTHEST`` that moves far enough, and how far it moves.

    Where none does, the smallest that moves nearly as far as any: what comes after costs the rest
    of the picture, and shows no more.
    """
    points, strength = [(0.0, 0.0)], 1.0
    while strength <= FURTHEST and points[-1][1] < wanted:
        points.append((strength, moved(strength)))
        strength *= 1.5
    most = max(seen for _, seen in points)
    wanted = wanted if most >= wanted else _NEARLY * most
    place = next((i for i, (_, seen) in enumerate(points) if i and seen >= wanted), 0)
    low, high = points[max(0, place - 1)], points[place]
    for _ in range(_ROUNDS if place else 0):  # regula falsi: what is seen grows with the strength
        share = (wanted - low[1]) / (high[1] - low[1])
        middle = low[0] + (high[0] - low[0]) * min(max(share, 0.1), 0.9)
        at = middle, moved(middle)
        low, high = (low, at) if at[1] >= wanted else (at, high)
        if high[1] - wanted < 0.05 * wanted:
            break
    return high
