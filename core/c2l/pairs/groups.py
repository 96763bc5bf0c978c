"""Layer groups: pairs whose latents have a separate code for each group of layers.

This is the style mixing of Karras et al. (2019, arXiv 1812.04948) with one source for each group,
as in clip2latent's w3 data (Pinkney & Li 2022, arXiv 2210.02347): every picture is mixed, and its
codes are independent. Pictures of a single code need no share of the data: a prior draws them
whenever its codes agree. With a group for each layer this is StyleGAN's w+.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.generator import Generator, LatentSpace
from c2l.seeds import NUM_SEEDS

CODE_STRIDE = 100_000_000
"""Code g of a pair with a seed s below this is what the generator gives for seed
``s + g * CODE_STRIDE``; code 0 is that of a pair without groups.
"""
FAR = 2**58
"""Code g of any other pair is that of ``s + (g + 1) * FAR``, so that no two codes share a seed."""
MOST_GROUPS = NUM_SEEDS // FAR - 2


def check_groups(
    groups: Sequence[int] | None, space: LatentSpace, reference: str, seeds: range
) -> tuple[int, ...]:
    """The groups to draw; none where the generator already draws them by itself.

    Args:
        groups: how many layers each code feeds, from the coarsest.
        space: the latent space of the generator that ``reference`` names.
        seeds: of all pairs.
    Raises:
        BadInput: this generator cannot mix these groups.
    """
    if groups is None or tuple(groups) == tuple(space.repeats):
        return ()
    layers = sum(space.repeats)
    if space.num_codes != 1:
        raise BadInput(
            f"{reference} draws {space.num_codes} codes at once, which `groups` cannot mix",
            hint="Leave out `groups`",
            field="groups",
        )
    if not groups or min(groups) < 1 or sum(groups) != layers:
        raise BadInput(
            f"`groups={tuple(groups)}` does not add up to the {layers} layers of {reference}",
            hint=f"Give numbers of 1 or more whose sum is {layers}",
            field="groups",
        )
    if seeds.stop > FAR or len(groups) > MOST_GROUPS:
        raise BadInput(
            f"with `groups`, of which there may be {MOST_GROUPS}, seeds of pairs end at 2**58",
            hint="Use a smaller `first_seed`, or fewer groups",
            field="first_seed" if seeds.stop > FAR else "groups",
        )
    return tuple(groups)


def draw_latents(
    generator: Generator, seeds: Sequence[int], groups: Sequence[int], classes: Sequence[int] = ()
) -> Tensor:
    """Latents of pairs, float32, (B, K, D): a code for each group, or the generator's own.

    Args:
        classes: B numbers, which all codes of a latent share; none without classes.
    """
    codes = []
    for code in range(max(1, len(groups))):
        own = [_seed_of(seed, code) for seed in seeds] if groups else seeds
        codes.append(
            generator.sample_class_latents(own, classes)
            if classes
            else generator.sample_latents(own)
        )
    return torch.cat(codes, dim=1)


def _seed_of(seed: int, code: int) -> int:
    """The seed of one code of the pair with this seed."""
    if seed < CODE_STRIDE:
        return seed + code * CODE_STRIDE
    return (seed + (code + 1) * FAR) % NUM_SEEDS  # rows that fill a batch may lie beyond


def format_groups(groups: Sequence[int]) -> str:
    """``4,4,10``."""
    return ",".join(map(str, groups))
