"""Settings of sampling that are chosen once a prior is trained, by what it draws for prompts.

No labels are needed. A picture fits its prompt if the embedder puts it nearly as near to it as the
stored pictures that are nearest of all: to within a standard deviation of how random pictures lie.
Cosines alone say little, since one prompt is near to everything and another to nothing; nor does
how near pictures come on average, since many that fit very well do not make up for one that does
not fit at all. What counts is the share of those. Pictures that fit are easily had at the price of
being all the same; so among settings whose share is hardly above the least, the most varied are
taken.

It takes two rounds, on the same prompts: the prior's candidates, and those near the one that fits
best of these.
"""

# Letters: P prompts, N pictures of each, E embedding width, R random pictures.

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.prior import Prior
from c2l.training.batches import rng_of
from c2l.training.oddities import Oddity
from c2l.training.validation import Validator, draw, nearest

EACH = 2
"""Pictures of each prompt: two, which are compared. In pixels, since there are embedders to which
all pictures are nearly alike, however varied they look."""
FEWEST_PROMPTS, MOST_PROMPTS = 8, 96
MOST_PICTURES = 2048
MOST_PIXELS = 2**28
"""Of all pictures together: 1,024 of 512 px, 256 of 1024 px."""
SHARE = 8
"""One picture is drawn for so many pairs at most, each of which was drawn as well: trying takes an
eighth of the time of a run at most."""
FREE_PIXELS = 2**23
"""So many may always be drawn, however few the pairs: 2,048 of 64 px, 128 of 256 px. That takes
seconds; and from few pairs a network often learns nothing, so that untried it is the wrong choice
(``benchmarks/held_out.md``)."""
MOST_RANDOM = 65_536
NEAR = 0.001
"""The share of the pairs whose pictures are nearest of all to a prompt."""
LESS_NEAR, BLUR = 1.0, 0.5
"""In standard deviations: how much less near a picture may be, and how softly that ends. In worlds
whose truth is known, the share that results ranks settings best so; it does nearly as well from
half to twice as far."""
GIVEN_AWAY = 0.025
"""Of the share of pictures that do not fit, before any doubt: so much more of it than the best a
more varied choice may have. In worlds whose truth is known that costs up to a point of what prompts
name, and brings a third to twice as much variety. To stay within one standard error of the best
instead, as is usual, would show .3 points more in the mean, and be a fifth less varied."""
ROUNDS = 2
FEW_PICTURES = 64


@dataclass(frozen=True)
class Trial:
    """What one choice drew.

    Args:
        settings: the choice.
        unfit: the share of pictures that do not fit their prompts.
        diversity: how far two pictures of a prompt are apart in pixels, as a part of two random
            ones.
        doubt: what the odds of not fitting are multiplied by, see ``Prior.sampling_doubt``.
    """

    settings: Mapping[str, Any]
    unfit: float
    diversity: float
    doubt: float = 1.0

    @property
    def doubted(self) -> float:
        """The share of pictures that do not fit, as it counts in the choice."""
        return doubted(self.unfit, self.doubt)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found = {"unfit": round(self.unfit, 4), "diversity": round(self.diversity, 3)}
        return {**self.settings, **found, "doubt": round(self.doubt, 3)}


@dataclass(frozen=True)
class Choice:
    """Which settings were taken, and why.

    Args:
        settings: those.
        trials: all that were tried, in their order; empty if nothing was.
        neighbours: the share of the training pictures nearest to the prompts that do not fit.
        num_prompts: P.
        notes: what was odd, or why nothing was tried.
        evidence: numbers that the prior's candidates rest on.
    """

    settings: Mapping[str, Any]
    trials: Sequence[Trial] = ()
    neighbours: float | None = None
    num_prompts: int = 0
    notes: Sequence[str] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)

    @property
    def taken(self) -> Trial | None:
        """What the settings drew; None if nothing was tried."""
        return next((trial for trial in self.trials if trial.settings == self.settings), None)

    def noting(self, note: str) -> Choice:
        """The same with one more note."""
        return dataclasses.replace(self, notes=(*self.notes, note))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "settings": dict(self.settings),
            "trials": [trial.to_dict() for trial in self.trials],
            "neighbours": None if self.neighbours is None else round(self.neighbours, 4),
            "num_prompts": self.num_prompts,
            "notes": list(self.notes),
            "evidence": dict(self.evidence),
        }

    def __str__(self) -> str:
        chosen = ", ".join(f"{k} {v}" for k, v in self.settings.items() if v is not False)
        notes = "".join(f"; {note}" for note in self.notes)
        taken = self.taken
        if taken is None or self.neighbours is None:
            return f"chosen by the embeddings alone: {chosen}{notes}"
        best = 1 - min(t.unfit for t in self.trials)
        return (
            f"chosen among {len(self.trials)} by {self.num_prompts} prompts: {chosen}; "
            f"{1 - taken.unfit:.1%} of its pictures fit (at best {best:.1%}; of the training "
            f"pictures nearest to the prompts, {1 - self.neighbours:.1%}), and they vary "
            f"{taken.diversity:.0%} as much as random ones{notes}"
        )


@dataclass(frozen=True)
class Scale:
    """How near pictures are to prompts: random ones, and the nearest.

    Args:
        texts: unit embeddings of P prompts without the mean of text, (P, E). What all texts share
            would rank pictures alike for each of them.
        near, deviation: of the products of each prompt and random pictures, (P,): one that few of
            them reach, and the standard deviation.
    """

    texts: Tensor
    near: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, texts: Tensor, centre: Tensor, pictures: Tensor) -> Scale:
        """Of embeddings of prompts (P, E), the mean (E,) of text at unit length, and embeddings of
        random pictures (R, E)."""
        read, seen = normalize(texts, dim=1) - centre, normalize(pictures, dim=1)
        products = seen @ read.T
        num = max(1, round(NEAR * len(products)))
        near = products.topk(num, dim=0).values[-1]
        return cls(read, near, products.std(dim=0).clamp_min(1e-6))

    def unfit(self, pictures: Tensor) -> float:
        """The share of pictures (P, N, E) that do not fit their prompts."""
        products = torch.einsum("pne,pe->pn", normalize(pictures, dim=2), self.texts)
        short = (self.near[:, None] - products) / self.deviation[:, None]
        return float(torch.sigmoid((short.double() - LESS_NEAR) / BLUR).mean())


def choose_settings(
    prior: Prior,
    validator: Validator | None,
    embeddings: Tensor,
    texts: Tensor | None,
    odd: Sequence[Oddity] = (),
) -> Choice | None:
    """Choose what a trained prior has left open, and make it adopt that.

    Args:
        validator: None where no pictures can be drawn: the prior's own first choice is taken.
        embeddings: of the pairs trained on, (R, E).
        texts: of the domain's prompts, whose mean is the centre of text.
        odd: what is known to be strange; the first choice is taken where prompts mean nothing then.
    Returns:
        None if nothing was open.
    """
    candidates = prior.sampling_candidates()
    if not candidates:
        return None
    evidence, notes = prior.sampling_evidence(), tuple(oddity.text for oddity in odd)
    unseen = Choice(candidates[0], notes=notes, evidence=evidence)
    if len(candidates) == 1:
        return unseen
    if any(oddity.deaf for oddity in odd):
        return unseen.noting("others were not tried, since their pictures could not be judged")
    if validator is None or texts is None:
        return unseen.noting("others were not tried, for lack of a generator and an embedder")
    prompts = _some_prompts(validator, ROUNDS * len(candidates), len(embeddings))
    if not prompts:
        return unseen.noting("pairs are too few to try others")
    test = _Test.of(prior, validator, embeddings, texts, prompts)
    trials = [test(candidate) for candidate in candidates]
    closer = prior.sampling_candidates_near(_fits_best(trials).settings)
    new = [settings for settings in closer if settings not in candidates]
    trials += [test(settings) for settings in new[: len(candidates)]]
    chosen = best_trial(trials)
    prior.adopt(chosen.settings)
    near = nearest(test.scale.texts, embeddings)
    neighbours = test.scale.unfit(embeddings[near][:, None])
    return Choice(chosen.settings, tuple(trials), neighbours, len(prompts), notes, evidence)


def choose_again(
    choice: Choice, prior: Prior, validator: Validator, embeddings: Tensor, texts: Tensor
) -> Choice:
    """Choose again among what was tried, for a prior that draws differently since it was refined.

    Pictures have to fit before and after: the choice stays unless fewer of them fit now, so that
    chance does not decide a near tie the other way.
    """
    if not choice.trials:
        return choice
    prompts = _first_prompts(validator, choice.num_prompts)
    test = _Test.of(prior, validator, embeddings, texts, prompts)
    trials = []
    for before in choice.trials:
        now = test(before.settings)
        trials.append(dataclasses.replace(now, unfit=max(before.unfit, now.unfit)))
    chosen = best_trial(trials)
    prior.adopt(chosen.settings)
    return dataclasses.replace(choice, settings=chosen.settings, trials=tuple(trials))


@dataclass(frozen=True)
class _Test:
    """Tries settings of a prior on prompts.

    Args:
        asked: embeddings of the prompts, (P, E).
        usual: how far two random pictures are apart.
    """

    prior: Prior
    validator: Validator
    asked: Tensor
    scale: Scale
    usual: Tensor

    @classmethod
    def of(
        cls,
        prior: Prior,
        validator: Validator,
        embeddings: Tensor,
        texts: Tensor,
        prompts: Sequence[str],
    ) -> _Test:
        """On these prompts; the rest as in ``choose_settings``."""
        asked = validator.texts(prompts)
        centre = normalize(texts, dim=1).mean(dim=0)
        scale = Scale.of(asked, centre, embeddings[:MOST_RANDOM])
        random = validator.generator.sample_latents(range(EACH * len(prompts)))
        usual = validator.look_at_twins(random, own=True)[1].mean().clamp_min(1e-6)
        return cls(prior, validator, asked, scale, usual)

    def __call__(self, settings: Mapping[str, Any]) -> Trial:
        """Draw with them."""
        self.prior.adopt(settings)
        latents = draw(self.prior, self.asked.repeat_interleave(EACH, dim=0), "text")
        seen, apart = self.validator.look_at_twins(latents)
        unfit = self.scale.unfit(seen.unflatten(0, (-1, EACH)))
        varied = float(apart.mean() / self.usual)
        return Trial(settings, unfit, varied, self.prior.sampling_doubt(settings))


def doubted(share: float, times: float) -> float:
    """A share whose odds are so many times as high: it is so many times as large where it is small,
    hardly larger where it is most of all, and never above 1."""
    return times * share / (1 - share + times * share)


def best_trial(trials: Sequence[Trial]) -> Trial:
    """The most varied of those that fit nearly as well as the best."""
    best = _fits_best(trials)

    def fits(trial: Trial) -> bool:
        if trial.doubt == best.doubt:  # then it says nothing of which of them fits better
            return trial.unfit <= best.unfit + GIVEN_AWAY
        return trial.doubted <= best.doubted + GIVEN_AWAY

    return max(filter(fits, trials), key=lambda trial: trial.diversity)


def _fits_best(trials: Sequence[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.doubted)


def _some_prompts(validator: Validator, num_candidates: int, num_pairs: int) -> Sequence[str]:
    """Prompts of the domain to try all candidates on; none where enough would take too long."""
    height, width = validator.generator.image_size
    pixels = height * width
    share = max(num_pairs // SHARE, FREE_PIXELS // pixels)
    pictures = min(MOST_PICTURES, MOST_PIXELS // pixels, share)
    num = min(MOST_PROMPTS, pictures // (num_candidates * EACH))
    if num < FEWEST_PROMPTS:
        return ()
    return _first_prompts(validator, num)


def _first_prompts(validator: Validator, num: int) -> Sequence[str]:
    """So many prompts of the domain, always the same."""
    prompts = validator.domain.prompts
    # Lists have an order, and every n-th prompt may be of one kind.
    order = torch.randperm(len(prompts), generator=rng_of(0, "prompts", 0))
    return [prompts[row] for row in order[:num].tolist()]
