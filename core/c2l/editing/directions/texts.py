"""Differences between texts, and what the prior answers to pictures that move along them.

Asked about a picture's own embedding, a prior gives latents that show all of it. Asked about the
same embedding moved by the difference of two texts, it gives latents that differ in what the texts
differ in: everything else is held by the picture. Asked about the two texts themselves, it would
fill in what they leave open, and not alike: "an elderly person" has other skin and other earrings
than "a person", on average, since a text encoder learnt how people write.
"""

# Letters: B pictures, E embedding width, L layers of the generator, D width of a code.

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.errors import BadInput
from c2l.prompts.blends import check_text
from c2l.prompts.domains import find_domain
from c2l.prompts.words import ALIKE
from c2l.sample_options import Near
from c2l.sampling.parts import Parts

_LEAST_KIND = 0.1
"""Cosine by which pictures of a kind show it more clearly than others; what says nothing has less
than half of that."""

SEEDS_EACH = 2
"""Answers to each picture: the mean of a few differs less by what a seed decides."""


def text_difference(parts: Parts, start: str | None, end: str, *, field: str = "end") -> Tensor:
    """The difference (E,) of two texts' unit embeddings.

    Args:
        start: None for what prompts of the generator's domain have in common.
    Raises:
        BadInput: the embedder cannot tell the two apart.
    """
    texts = [end] if start is None else [end, start]
    for text, name in zip(texts, (field, "start"), strict=False):
        check_text(text, name)
    ends, *starts = normalize(parts.embedder.embed_text(texts).cpu().double(), dim=1)
    begin = starts[0] if starts else neutral_text(parts)
    difference = ends - begin
    length = float(difference.norm())
    if length**2 / 2 < ALIKE:  # 1 - cosine of unit vectors this far apart
        raise BadInput(
            f"the embedder cannot tell '{end}' from '{start or 'any other prompt'}': their "
            f"embeddings are {length:.1g} apart, so there is no direction from one to the other",
            hint="Say it in other words; what the embedder never learnt to read, it cannot see",
            field=field,
        )
    return difference.float()


def neutral_text(parts: Parts) -> Tensor:
    """What prompts of the generator's domain have in common, (E,)."""
    domain = find_domain(None, parts.generator.reference)
    unit = normalize(parts.embedder.embed_text(domain.prompts).cpu().double(), dim=1)
    return unit.mean(dim=0)


def as_far_as_shown(
    parts: Parts, start: str, end: str, seen: Tensor, typical: Tensor, usual: Tensor
) -> Tensor:
    """The differences (B, E) of two texts that leave ``start`` only as far as pictures show it.

    From a forest to a beach leads another way than from a studio to a beach: to take the studio out
    of a picture of a forest makes a city of it.

    Args:
        seen: embeddings of the pictures, (B, E).
        typical: of pictures that show ``start``.
        usual: of any pictures.
    """
    reached, own = _apart(parts, start, end)
    clear, rarely = ((normalize(x, dim=1) @ own.to(x)).mean() for x in (typical, usual))
    shown = (normalize(seen, dim=1) @ own.to(seen) - rarely) / (clear - rarely).clamp_min(1e-6)
    return reached.to(seen) - shown.clamp(0, 1)[:, None] * own.to(seen)


def is_a_kind(parts: Parts, start: str, end: str, typical: Tensor, usual: Tensor) -> bool:
    """Whether pictures of ``start`` show what others do not: black hair is a kind, a face is none.

    Args:
        typical, usual: as in ``as_far_as_shown``.
    """
    own = _apart(parts, start, end)[1]
    clear, rarely = ((normalize(x, dim=1) @ own.to(x)).mean() for x in (typical, usual))
    return bool(clear - rarely > _LEAST_KIND * own.norm())


def _apart(parts: Parts, start: str, end: str) -> tuple[Tensor, Tensor]:
    """What ``end`` says and ``start`` does not, (E,), and the other way round."""
    texts = normalize(parts.embedder.embed_text([start, end]).cpu().double(), dim=1)
    left, reached = (texts - neutral_text(parts)).float()
    shared = ((left @ reached) / (reached @ reached)).clamp(0, 1) * reached
    return reached - shared, left - shared


def answers(
    parts: Parts, seen: Tensor, difference: Tensor, *, first_seed: int = 0, num: int = SEEDS_EACH
) -> Tensor:
    """How the latents of pictures move when their embeddings move by a difference, (B, L, D).

    The mean over ``num`` answers, see ``several_answers``. The same seeds answer with and without,
    so that what the prior leaves open cancels out.
    """
    there, here = several_answers(parts, seen, difference, first_seed=first_seed, num=num)
    return (there - here).mean(dim=0)


@torch.no_grad()
def several_answers(
    parts: Parts, seen: Tensor, difference: Tensor, *, first_seed: int, num: int
) -> tuple[Tensor, Tensor]:
    """Latents (num, B, L, D) for embeddings that moved by a difference, and for those as they were.

    Args:
        seen: embeddings of B pictures, (B, E).
        difference: of two texts, (E,), or one for each picture, (B, E).
    """
    turns = [
        range(first_seed + i * len(seen), first_seed + (i + 1) * len(seen)) for i in range(num)
    ]
    moved = moved_by(seen, difference)
    there, here = (torch.stack([_asked(parts, x, seeds) for seeds in turns]) for x in (moved, seen))
    return there, here


def image_answers(
    parts: Parts, seen: Tensor, seeds: Sequence[int], *, near: Near | None = None
) -> Tensor:
    """Latents (B, M, L, D) for embeddings (B, M, E) of pictures, with M seeds.

    Args:
        near: latents (B * M, K, D) that they are to be neighbours of.
    """
    rows = _asked(parts, seen.flatten(0, 1), [*seeds] * len(seen), near)
    return rows.unflatten(0, seen.shape[:2])


def _asked(
    parts: Parts, embeddings: Tensor, seeds: Sequence[int], near: Near | None = None
) -> Tensor:
    latents = parts.prior.sample(embeddings, seeds=seeds, modality="image", near=near)
    latents = latents.to(parts.generator.device)
    return parts.generator.latent_space.expand(latents, parts.prior.repeats)


def moved_by(seen: Tensor, difference: Tensor) -> Tensor:
    """Embeddings (B, E) of pictures, turned by a difference (E,) or (B, E), as long as before."""
    lengths = seen.norm(dim=1, keepdim=True)
    return lengths * normalize(normalize(seen, dim=1) + difference.to(seen), dim=1)
