"""Latents whose picture comes near a goal, from where a picture is.

The prior answers for the embeddings that the goal asks for, afresh and near the latents as they
are; and it answers for the picture's own embedding too, so that the difference of the two can be
added. Each answer is drawn, and the best one is taken, twice. What is left is a matter of the
generator: its gradient leads there, from a place that the prior knows: in a few steps where latents
are nearly attributes, in some dozens where they are mixed. From the picture itself it would find
blends that please the embedder and nobody else. Where that ends far off, all of it is done again,
from other answers.
"""

# Letters: B pictures, M answers to each, E embedding width, L layers, K codes, D width of a code.

from __future__ import annotations

import torch
from torch import Tensor

from c2l.adam import Adam
from c2l.editing.directions.goal import Goal
from c2l.editing.directions.measuring import Pictures, look, look_at
from c2l.editing.directions.texts import image_answers
from c2l.editing.through_prior import codes_of, prior_repeats
from c2l.guard import blaming
from c2l.sample_options import Near
from c2l.sampling.parts import Parts

_NEAR_ENOUGH = 0.4
"""What a picture may miss of its goal: nothing more is done."""

_SEARCHES = 3
"""At most."""

ANSWERS = 6
"""Of the prior, afresh, near the latents, or as a difference, in each of the two rounds."""

_SHARES = (1.0, 2.5)
"""Of what is missing, that are asked for, from the first answer to the last: what a prior makes of
it is less at one time and more at another."""

_FAR, _CLOSE = 0.7, 0.5
"""How far from the latents the prior's answers may be: at first, and then."""

_STEPS, _MOST_STEPS = 6, 48
"""Along the gradient: how many before it is seen which pictures need more, and the most."""

_LEAST_GAIN = 0.04
"""The share of what is missed that ``_STEPS`` have to take away, or there are no more."""

_STEP_SIZE = 0.03
"""Standard deviations of the latents."""

_MEMORY = (0.8, 0.99)
"""Adam's, shorter than usual: the steps are few."""


def come_near(parts: Parts, goal: Goal, seed: int) -> Pictures:
    """Pictures as near to a goal as prior and generator lead.

    Args:
        seed: of the prior's first answer, the same for each picture.
    """
    here = _searched(parts, goal, seed)
    for search in range(1, _SEARCHES):
        left = goal.missed(here) > _NEAR_ENOUGH
        if not left.any():
            break
        wanted, found = goal.rows(left), here.rows(left)
        there = _searched(parts, wanted, seed + 2 * ANSWERS * search)
        here = here.with_rows(left, _nearer(wanted, there, found))
    return here


def _searched(parts: Parts, goal: Goal, seed: int) -> Pictures:
    """As ``come_near``, once."""
    asked = goal.asked(torch.linspace(*_SHARES, ANSWERS, device=goal.missing.device))
    fresh, near = _fresh(parts, asked, seed), _near(parts, goal.own, asked, seed, _FAR)
    here = _best(parts, goal, goal.own, [fresh, *near])
    seed += ANSWERS
    there, back = _fresh(parts, asked, seed), _fresh(parts, here.seen[:, None], seed)
    moved = here.latents[:, None] + there - back
    here = _best(parts, goal, here, [moved, *_near(parts, here, asked, seed, _CLOSE)])
    return _descended(parts, goal, here)


def _fresh(parts: Parts, asked: Tensor, seed: int, near: Near | None = None) -> Tensor:
    """Answers (B, M, L, D) to embeddings (B, M, E), or to the same one (B, 1, E) of a picture."""
    asked = asked.expand(-1, ANSWERS, -1)
    return image_answers(parts, asked, range(seed, seed + ANSWERS), near=near)


def _near(parts: Parts, here: Pictures, asked: Tensor, seed: int, amount: float) -> list[Tensor]:
    """Answers (B, M, L, D) near latents, if the prior can give any."""
    if "near" not in parts.prior.supported_options:
        return []
    codes = codes_of(parts, here.latents)
    rest = here.latents - parts.generator.latent_space.expand(codes, prior_repeats(parts))
    near = Near(codes.repeat_interleave(ANSWERS, dim=0), amount)
    return [_fresh(parts, asked, seed, near) + (1 - amount) * rest[:, None]]


def _best(parts: Parts, goal: Goal, here: Pictures, answers: list[Tensor]) -> Pictures:
    """Of answers (B, M, L, D), those whose pictures come nearest, where they come nearer."""
    latents = torch.cat(answers, dim=1)
    num, each = latents.shape[:2]
    drawn = look(parts, latents.flatten(0, 1), goal.truncation)
    first = each * torch.arange(num, device=latents.device)
    missed = goal.rows(first.repeat_interleave(each) // each).missed(drawn).view(num, each)
    best = missed.nan_to_num(nan=torch.inf).argmin(dim=1)
    return _nearer(goal, drawn.rows(first + best), here)


def _nearer(goal: Goal, there: Pictures, here: Pictures) -> Pictures:
    """Each picture of the first that is nearer than that of the second, and else the second's."""
    return there.where(goal.missed(there) < goal.missed(here), here)


def _descended(parts: Parts, goal: Goal, here: Pictures) -> Pictures:
    """Along the gradient, where there is one and it helps, as long as it does."""
    generator, embedder = parts.generator, parts.embedder
    if not (generator.differentiable and embedder.differentiable):
        return here
    space = generator.latent_space
    repeats = prior_repeats(parts)
    # The caller may be in inference mode, whose tensors cannot carry gradients: copies can.
    with torch.inference_mode(False), torch.enable_grad():
        start, wanted = here.latents.clone(), goal.cloned()
        std = codes_of(parts, space.expand(space.std[None].to(start))).clone()
        # One for each picture: Adam leaves alone what no gradient reaches.
        offsets = [torch.zeros_like(std, requires_grad=True) for _ in start]
        adam = Adam(offsets, lr=_STEP_SIZE, betas=_MEMORY)

        def moved(chosen: Tensor) -> Tensor:
            offset = torch.cat([offsets[i] for i in chosen.tolist()])
            return start[chosen] + space.expand(std * offset, repeats)

        every = left = torch.arange(len(start), device=start.device)
        before = wanted.missed(here)
        for step in range(_MOST_STEPS):
            missed = wanted.rows(left).missed(look_at(parts, moved(left), goal.truncation))
            if not missed.requires_grad:
                return here
            if step and step % _STEPS == 0:
                now = missed.detach()
                still = (now > _NEAR_ENOUGH) & (now < (1 - _LEAST_GAIN) * before[left])
                before[left] = now
                left, missed = left[still], missed[still]
                if not len(left):
                    break
            adam.zero_grad()
            with (
                blaming(type(generator), "synthesize"),
                blaming(type(embedder), "embed_images"),
            ):
                missed.sum().backward()
            adam.step()
        found = moved(every).detach()
    return _nearer(goal, look(parts, found, goal.truncation), here)
