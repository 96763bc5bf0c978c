"""From embeddings of pictures, which train a prior, to those of text, which ask it.

The two lie apart ("the modality gap", Liang et al. 2022, arXiv 2203.02053): by a constant, and by
what a text leaves open. A ``Bridge`` is the part of a prior that crosses this gap. Its ingredients:

- ``blur``: pictures and texts lose the mean of the pictures, and training turns the embeddings of
  pictures by random directions, so that a prior learns to read the neighbourhood of an embedding
  rather than the point (Pinkney & Li 2022, arXiv 2210.02347). Noise is measured in the spread of
  the pictures: it hides as much where they are all alike as where they are not.
- ``noise``: the same without the mean, and as long against the embeddings themselves: the way of
  2022. It drowns what embeddings say that are all alike.
- ``centring``: each modality loses its own mean (Zhang et al. 2024, arXiv 2401.08567).
- ``projection``: a text moves towards the mean of the pictures near it. All the way, as for
  captions (Li et al. 2023, arXiv 2303.03032), it names nothing but what these show.
- ``neighbours``: a text moves towards one of the pictures that fit it best, another one for each
  seed. What the text leaves open is then as varied as these pictures are, and none of it is left
  to the accidents of one place that no picture comes near.
- ``ridge``: a text is mapped linearly to where its projection would be.

The prior is told how long the noise is. A picture is told as noisy as it is made. A text is told
``text_noise``, whatever it names: how far it lies from pictures that fit. On top, ``adherence``
sets how noisy it is made: without any, what the text leaves open is decided by its accidents, alike
for all seeds; with more, samples of one prompt differ more.

With ``blur``, training sees the same whatever else the bridge is of: all that is asked of a text
can be changed afterwards (``Bridge.change``), so that it can be chosen by what the prior draws.
"""

# Letters: B batch, E embedding width, N pictures, M texts, S stored pictures.

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from c2l.blending import slerp
from c2l.bridge import ingredients as names
from c2l.sample_options import Modality, SampleOptions
from c2l.seeds import NormalBetween

FEWEST_STORED, MOST_STORED = 4096, 16_384
"""Pictures kept for projection and neighbours, in float16: 4 to 16 MB where E is 512. The more
there are, the nearer lie those that fit a text: three times as many show half a point to two points
more of what prompts name, as varied as before."""

MOST_NEAR = 0.1
"""The share of stored pictures that are neighbours at most, whatever the slack."""

LOOSE = 0.3
"""The slack that no adherence adds, where stored pictures answer."""

TEMPERATURE = 0.05
"""Of the softmax over pictures near a text, in units of the cosine between centred embeddings."""

REPULSION = 0.3
"""How far a negative text of weight 1 pushes an embedding, as a part of its distance from the mean.
Half of it leaves some of what is unwanted, twice as much costs what the prompt names: see
``benchmarks/negation.md``."""

RIDGE = 0.01
"""Of the ridge map, as a part of the mean variance of the texts."""


class Seen(NamedTuple):
    """Embeddings as a prior sees them.

    Args:
        unit: unit vectors on the side of the pictures, (B, E).
        levels: how noisy each is said to be, (B,), from 0 to 1: a part of ``noise``.
    """

    unit: Tensor
    levels: Tensor


class Bridge(nn.Module):
    """Embeddings as a prior sees them: unit vectors, and how noisy they are.

    ``fit`` takes statistics of pairs, ``show`` reads pictures for training, ``ask`` whatever is
    sampled for; its state is in buffers.

    Args:
        embedding_width: E.
        ingredients: their names joined by ``+``, as in ``centring+noise``; ``none`` for none.
        noise: the longest noise, relative to the unit embedding: of ``blur`` after the mean is
            gone, of ``noise`` before.
        text_noise: how noisy a text is said to be, as a part of ``noise``.
        adherence: the default for text, from 0 (as noisy as it is said to be) to 1 (no
            noise).
        pull: how far projection or neighbours move a text, from 0 to 1.
        nearest: the share of the stored pictures that neighbours are among, at least.
        slack: and those that fit a text as well as these but for such a part.
        stored: how many pictures are.
    """

    image_mean: Tensor
    text_mean: Tensor
    spread: Tensor
    stored: Tensor
    lengths: Tensor
    ridge: Tensor

    def __init__(
        self,
        embedding_width: int,
        *,
        ingredients: str,
        noise: float = 0.0,
        text_noise: float = 1.0,
        adherence: float = 1.0,
        pull: float = 0.5,
        nearest: float = 0.005,
        slack: float = 0.0,
        stored: int = FEWEST_STORED,
    ) -> None:
        super().__init__()
        names.check_ingredients(ingredients)
        chosen = names.chosen_of(ingredients)
        self.embedding_width = embedding_width
        self.change(
            ingredients=ingredients,
            noise=noise,
            text_noise=text_noise,
            adherence=adherence,
            pull=pull,
            nearest=nearest,
            slack=slack,
        )
        self.register_buffer("image_mean", torch.zeros(embedding_width))
        self.register_buffer("text_mean", torch.zeros(embedding_width))
        if "centring" in chosen and "blur" not in chosen:
            self.register_buffer("spread", torch.ones(()))
        # With blur, projection and neighbours may be chosen later.
        if chosen & {"projection", "blur"}:
            empty = torch.zeros(stored, embedding_width, dtype=torch.float16)
            self.register_buffer("stored", empty)
        if "blur" in chosen:
            self.register_buffer("lengths", torch.ones(stored))
        if "ridge" in chosen:
            self.register_buffer("ridge", torch.eye(embedding_width))

    @staticmethod
    def check_ingredients(text: str) -> str:
        """``text`` itself, for a setting. Raises ``ValueError`` if it names no ingredients, or some
        that do not go together."""
        return names.check_ingredients(text)

    def change(
        self,
        *,
        ingredients: str,
        noise: float,
        text_noise: float,
        adherence: float,
        pull: float,
        nearest: float,
        slack: float,
    ) -> None:
        """Take other values of the constructor's arguments.

        A fitted gap with blur stays fitted while ``noise`` is the same and no ridge is added.
        """
        self.chosen = names.chosen_of(ingredients)
        self.noise = noise if self.chosen & {"noise", "blur"} else 0.0
        self.text_noise = text_noise
        self.adherence = adherence
        self.pull = pull
        self.nearest = nearest
        self.slack = slack

    def fit(self, embeddings: Tensor, texts: Tensor | None) -> None:
        """Take statistics of pictures (N, E) and of texts (M, E), as the embedder gives them.

        Without texts, text is centred by the mean of the pictures, and the ridge map is the
        identity.
        """
        device = self.image_mean.device
        pictures = normalize(embeddings.to(device), dim=1)
        self.image_mean.copy_(pictures.mean(dim=0, dtype=torch.float64))
        self.text_mean.copy_(self.image_mean)
        if texts is not None and len(texts):
            self.text_mean.copy_(normalize(texts.to(device), dim=1).double().mean(dim=0))
        if "spread" in self._buffers:
            self.spread.copy_((pictures - self.image_mean).norm(dim=1).mean().clamp_min(0.01))
        num = len(self.stored) if "stored" in self._buffers else FEWEST_STORED
        stored = self._centred(pictures[:num], "image")
        rows = torch.arange(num, device=device) % len(stored)
        if "stored" in self._buffers:
            self.stored.copy_(stored[rows])
        if "lengths" in self._buffers:
            self.lengths.copy_((pictures[rows] - self.image_mean).norm(dim=1))
        if "ridge" in self.chosen and texts is not None and len(texts):
            centred = self._centred(texts.to(device), "text")
            self.ridge.copy_(_ridge(centred, _project(centred, stored)))

    def show(self, embeddings: Tensor, rng: torch.Generator) -> Seen:
        """Embeddings of pictures (B, E), as training shows them to a prior: at every noise."""
        unit = self._centred(embeddings.to(self.image_mean.device), "image")
        if not self.noise:
            return Seen(unit, unit.new_zeros(len(unit)))
        levels = torch.rand(len(unit), generator=rng).to(unit.device)
        normal = torch.randn(unit.shape, generator=rng).to(unit.device)
        return Seen(self._noisy(unit, levels, normal), levels)

    def ask(
        self,
        embeddings: Tensor,
        options: SampleOptions,
        normal: Callable[[int], Tensor] | None = None,
    ) -> Seen:
        """Embeddings (B, E), as sampling shows them to a prior: away from negative ones, and as
        noisy as the adherence of the options wants them.

        Args:
            normal: gives standard normal numbers (B, width), row i from the seed of row i, as
                ``options.normal`` does. None for nothing random, whatever the adherence: all seeds
                see the same.
        """
        if options.towards is not None:
            return self._ask_between(embeddings, options, normal)
        embeddings, modality = self._away(embeddings, options), options.modality
        adherence = options.adherence
        if adherence is None:
            adherence = self.adherence if modality == "text" else 1.0
        if normal is not None and modality == "text" and "neighbours" in self.chosen:
            one = self.stored[_one_of(*self._neighbours(embeddings), normal)].float()
            unit = self._moved(self._centred(embeddings.to(one.device), modality), one)
        else:
            unit = self.unit(embeddings, modality)
        if not self.noise:
            return Seen(unit, unit.new_zeros(len(unit)))
        longest = self.text_noise if modality == "text" else 1.0
        if normal is None:
            adherence = 1.0
        levels = unit.new_full((len(unit),), (1 - adherence) * longest)
        if normal is not None and adherence < 1:
            unit = self._noisy(unit, levels, normal(self.embedding_width))
        return Seen(unit, torch.full_like(levels, longest) if modality == "text" else levels)

    def retrieve(
        self, embeddings: Tensor, options: SampleOptions, normal: Callable[[int], Tensor]
    ) -> Tensor:
        """The rows of stored pictures that fit embeddings (B, E), one for each seed: int64, (B,).

        Less ``adherence`` than the default picks among more of them.

        Args:
            normal: as in ``ask``.
        """
        options = dataclasses.replace(options, negative_by=None)
        adherence = self.adherence if options.adherence is None else options.adherence
        slack = self.slack + LOOSE * max(0.0, self.adherence - adherence)
        embeddings = self._away(embeddings, options)
        near, num = self._neighbours(embeddings, options.modality, slack, as_the_best=True)
        return _one_of(near, num, normal)

    def _ask_between(
        self,
        embeddings: Tensor,
        options: SampleOptions,
        normal: Callable[[int], Tensor] | None,
    ) -> Seen:
        """On the arc from what is seen of one end to what is seen of the other.

        Each end is read by its own seed: which neighbour a seed picks cannot change gradually.
        """
        towards = options.towards
        assert towards is not None
        ends = dataclasses.replace(options, towards=None)
        both = normal if isinstance(normal, NormalBetween) else None
        start = self.ask(embeddings, ends, both.start if both else normal)
        there = dataclasses.replace(ends, modality=towards.modality or options.modality)
        end = self.ask(towards.embeddings, there, both.end if both else normal)
        at = torch.tensor(towards.at, device=start.unit.device)
        unit = normalize(slerp(start.unit, end.unit, at[:, None]), dim=1)
        return Seen(unit, torch.lerp(start.levels, end.levels, at))

    def _away(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        """Embeddings (B, E) moved away from negative ones, if the options say so.

        What texts have in common stays: each negative text counts by its direction from their
        mean.
        """
        if options.negative is None or options.negative_by == "guidance":
            return embeddings
        device = self.text_mean.device
        unwanted = normalize(options.negative.to(device), dim=2) - self.text_mean
        step = options.negative_scale.to(device) @ normalize(unwanted, dim=2)
        mean = self.image_mean if options.modality == "image" else self.text_mean
        own = normalize(embeddings.to(device), dim=1) - mean
        return mean + own - REPULSION * own.norm(dim=1, keepdim=True) * step

    def unit(self, embeddings: Tensor, modality: Modality) -> Tensor:
        """Embeddings (B, E) as unit vectors on the side of the pictures, with nothing random.

        Neighbours are all taken at once.
        """
        unit = self._centred(embeddings.to(self.image_mean.device), modality)
        if modality == "text" and "neighbours" in self.chosen:
            near, num = self._neighbours(embeddings)
            there = torch.arange(near.shape[1], device=near.device) < num[:, None]
            total = torch.einsum("bn,bne->be", there.float(), self.stored[near].float())
            unit = self._moved(unit, normalize(total, dim=1))
        if modality == "text" and "projection" in self.chosen:
            unit = self._moved(unit, _project(unit, self.stored.float()))
        if modality == "text" and "ridge" in self.chosen:
            unit = normalize(unit @ self.ridge, dim=1)
        return unit

    def _centred(self, embeddings: Tensor, modality: Modality) -> Tensor:
        unit = normalize(embeddings, dim=1)
        if modality == "text" and "centring" in self.chosen:
            return normalize(unit - self.text_mean, dim=1)
        if self.chosen & {"centring", "blur"}:
            return normalize(unit - self.image_mean, dim=1)
        return unit

    def _moved(self, unit: Tensor, goal: Tensor) -> Tensor:
        return normalize((1 - self.pull) * unit + self.pull * goal, dim=1)

    def _neighbours(
        self,
        embeddings: Tensor,
        modality: Modality = "text",
        slack: float | None = None,
        as_the_best: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """The rows of the stored pictures that fit embeddings (B, E), the best first, and how many
        of them do: (B, N) and (B,).

        For a text, pictures are ranked by the product with what sets it apart from other texts, and
        keep their length: one that lies far out says more than one whose direction happens to fit.
        For a picture, the nearest are those most like it.

        Args:
            slack: None for that of the bridge.
            as_the_best: whether it counts from the best of all, and not from the last of those that
                are always among them: of what few pictures show, that one is wrong already.
        """
        slack = self.slack if slack is None else slack
        # Seeds of one text are asked about together.
        embeddings, back = torch.unique_consecutive(embeddings, dim=0, return_inverse=True)
        embeddings = embeddings.to(self.image_mean.device)
        if modality == "text":
            asked = normalize(embeddings, dim=1) - self.text_mean
            fit = asked @ self.stored.float().T * self.lengths
        else:
            fit = self._centred(embeddings, modality) @ self.stored.float().T
        least = max(1, round(self.nearest * len(self.stored)))
        most = max(least, round(MOST_NEAR * len(self.stored))) if slack else least
        best = fit.topk(most, dim=1)
        bar = best.values[:, 0 if as_the_best else least - 1, None]
        num = (best.values >= bar - slack * bar.abs()).sum(dim=1).clamp_min(least)
        return best.indices[back], num[back]

    def _noisy(self, unit: Tensor, levels: Tensor, normal: Tensor) -> Tensor:
        """Turned by noise of length ``levels * noise``; its cosine is 1 / hypot(1, that) or so.

        With ``blur``, that is the noise in what is left of an embedding without its mean. With
        ``noise`` it is the noise in the whole embedding, also where the mean is gone: the closer
        together pictures lie, the more of them it hides.
        """
        noise = normal / self.embedding_width**0.5
        if "spread" in self._buffers:
            noise = noise / self.spread
        return normalize(unit + self.noise * levels[:, None] * noise, dim=1)


def _one_of(near: Tensor, num: Tensor, normal: Callable[[int], Tensor]) -> Tensor:
    """One of the first ``num`` (B,) of each row of ``near`` (B, N), which the seed picks: (B,)."""
    place = (torch.special.ndtr(normal(1))[:, 0] * num).long()
    return near.gather(1, torch.minimum(place, num - 1)[:, None])[:, 0]


def _project(unit: Tensor, stored: Tensor) -> Tensor:
    """Unit vectors (B, E) to means of the stored ones (S, E) near them, unit again."""
    weights = (unit @ stored.T / TEMPERATURE).softmax(dim=1)
    return normalize(weights @ stored, dim=1)


def _ridge(texts: Tensor, targets: Tensor) -> Tensor:
    """The linear map (E, E) that brings unit texts (M, E) nearest to targets (M, E)."""
    x, y = texts.double(), targets.double()
    covariance = x.T @ x
    width = len(covariance)
    even = torch.eye(width, dtype=x.dtype, device=x.device) * covariance.trace() / width
    return torch.linalg.solve(covariance + RIDGE * even, x.T @ y)
