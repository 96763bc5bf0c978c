"""Latents whose picture comes near an embedding, from where a picture is.

The prior answers for that embedding, afresh and near the latents as they are; and it answers for
the picture's own embedding too, so that the difference of the two can be added. Each answer is
drawn, and the one whose picture comes nearest is taken, twice. What is left is a matter of the
generator: its gradient leads there in a few steps, from a place that the prior knows. From the
picture itself it would find blends that please the embedder and nobody else.
"""

# Letters: B pictures, M answers to each, E embedding width, L layers, K codes, D width of a code.

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from c2l.adam import Adam
from c2l.editing.directions.measuring import Pictures, see
from c2l.editing.directions.texts import image_answers
from c2l.editing.through_prior import codes_of, prior_repeats
from c2l.guard import blaming
from c2l.sample_options import Near
from c2l.sampling.parts import Parts

ANSWERS = 8
"""Of the prior, afresh, near the latents, or as a difference, in each of the two rounds."""

_FAR, _CLOSE = 0.7, 0.5
"""How far from the latents the prior's answers may be: at first, and then."""

_STEPS = 12
_STEP_SIZE = 0.03
"""Standard deviations of the latents."""


def come_near(parts: Parts, here: Pictures, goal: Tensor, truncation: float, seed: int) -> Pictures:
    """Pictures as near to embeddings ``goal`` (B, E) as prior and generator lead.

    Args:
        seed: of the prior's first answer, the same for each picture.
    """
    fresh, near = _fresh(parts, goal, seed), _near(parts, here, goal, seed, _FAR)
    here = _nearest(parts, here, [fresh, *near], goal, truncation)
    seed += ANSWERS
    there, back = _fresh(parts, goal, seed), _fresh(parts, here.seen, seed)
    moved = here.latents[:, None] + there - back
    here = _nearest(parts, here, [moved, *_near(parts, here, goal, seed, _CLOSE)], goal, truncation)
    return _descended(parts, here, goal, truncation)


def _fresh(parts: Parts, embeddings: Tensor, seed: int) -> Tensor:
    """Answers (B, M, L, D) to embeddings (B, E)."""
    return image_answers(parts, embeddings, range(seed, seed + ANSWERS))


def _near(parts: Parts, here: Pictures, goal: Tensor, seed: int, amount: float) -> list[Tensor]:
    """Answers (B, M, L, D) near latents, if the prior can give any."""
    if "near" not in parts.prior.supported_options:
        return []
    codes = codes_of(parts, here.latents)
    rest = here.latents - parts.generator.latent_space.expand(codes, prior_repeats(parts))
    near = Near(codes.repeat_interleave(ANSWERS, dim=0), amount)
    answers = image_answers(parts, goal, range(seed, seed + ANSWERS), near=near)
    return [answers + (1 - amount) * rest[:, None]]


def _nearest(
    parts: Parts, here: Pictures, answers: list[Tensor], goal: Tensor, truncation: float
) -> Pictures:
    """Of answers (B, M, L, D), those whose pictures come nearest, where they come nearer."""
    latents = torch.cat(answers, dim=1)
    seen = see(parts, latents.flatten(0, 1), truncation).unflatten(0, latents.shape[:2])
    nearness = cosine_similarity(seen, goal[:, None].to(seen), dim=2)
    best = nearness.nan_to_num(nan=-torch.inf).argmax(dim=1)
    row = torch.arange(len(best), device=best.device)
    found = Pictures(latents[row, best], seen[row, best])
    return found.where(nearness[row, best] > nearness_of(here, goal), here)


def nearness_of(some: Pictures, goal: Tensor) -> Tensor:
    """Cosines (B,) of pictures and embeddings (B, E)."""
    return cosine_similarity(some.seen, goal.to(some.seen), dim=1)


def _descended(parts: Parts, here: Pictures, goal: Tensor, truncation: float) -> Pictures:
    """A few steps along the gradient, where there is one and it helps."""
    generator, embedder = parts.generator, parts.embedder
    if not (generator.differentiable and embedder.differentiable):
        return here
    space = generator.latent_space
    repeats = prior_repeats(parts)
    # The caller may be in inference mode, whose tensors cannot carry gradients: copies can.
    with torch.inference_mode(False), torch.enable_grad():
        start, wanted = here.latents.clone(), goal.to(here.seen).clone()
        std = codes_of(parts, space.expand(space.std[None].to(start))).clone()
        offset = torch.zeros(len(start), *std.shape[1:], device=start.device, requires_grad=True)
        adam = Adam([offset], lr=_STEP_SIZE)
        for _ in range(_STEPS):
            latents = start + space.expand(std * offset, repeats)
            seen = embedder.embed_images(generator.synthesize(latents, truncation=truncation))
            loss = -cosine_similarity(seen, wanted, dim=1).sum()
            if not loss.requires_grad:
                return here
            adam.zero_grad()
            with (
                blaming(type(generator), "synthesize"),
                blaming(type(embedder), "embed_images"),
            ):
                loss.backward()
            adam.step()
        found = (start + space.expand(std * offset, repeats)).detach()
    there = Pictures(found, see(parts, found, truncation))
    return there.where(nearness_of(there, goal) > nearness_of(here, goal), here)
