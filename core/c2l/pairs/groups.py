"""Layer groups: pairs whose latents have a code of its own for each group of layers.

This is the style mixing of Karras et al. (2019, arXiv 1812.04948), with as many sources as there
are groups, as clip2latent's w3 data had it (Pinkney & Li 2022, arXiv 2210.02347): every picture is
mixed, and its codes are independent. Pictures of one code need no share of their own, since they
are what a prior draws whose codes agree. With a group for each layer it is StyleGAN's w+.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.generator import Generator, LatentSpace

CODE_STRIDE = 100_000_000
"""Code g of the pair with seed s is what the generator gives for seed ``s + g * CODE_STRIDE``.

Code 0 is that of a pair without groups. Seeds of pairs stay below the stride, so that no two codes
share a seed; and seeds of a StyleGAN end at 2**32, which leaves room for 42 codes.
"""


def check_groups(
    groups: Sequence[int] | None, space: LatentSpace, reference: str, seeds: range
) -> tuple[int, ...]:
    """The groups to draw, or none where they are what the generator does by itself.

    Args:
        groups: how many layers each code feeds, from the coarsest.
        space: the latent space of the generator that ``reference`` names.
        seeds: of all pairs.
    Raises:
        BadInput: the generator cannot be mixed like this.
    """
    if groups is None or tuple(groups) == tuple(space.repeats):
        return ()
    named, layers = format_groups(groups), sum(space.repeats)
    if space.num_codes != 1:
        raise BadInput(
            f"{reference} draws {space.num_codes} codes at once, which --groups cannot mix",
            hint="Leave --groups out",
        )
    if not groups or min(groups) < 1 or sum(groups) != layers:
        raise BadInput(
            f"--groups {named} do not share the {layers} layers of {reference}",
            hint=f"Give numbers of 1 or more that sum to {layers}",
        )
    if seeds.stop > CODE_STRIDE:
        raise BadInput(
            f"with --groups, seeds of pairs are below {CODE_STRIDE:,}",
            hint="Use a smaller --first-seed",
        )
    return tuple(groups)


def draw_latents(generator: Generator, seeds: range, groups: Sequence[int]) -> Tensor:
    """Latents of pairs, float32, (B, K, D): a code for each group, or the generator's own."""
    codes = [
        generator.sample_latents(range(seeds.start + shift, seeds.stop + shift))
        for shift in range(0, CODE_STRIDE * max(1, len(groups)), CODE_STRIDE)
    ]
    return torch.cat(codes, dim=1)


def format_groups(groups: Sequence[int]) -> str:
    """As ``--groups`` takes them: ``4,4,10``."""
    return ",".join(map(str, groups))
