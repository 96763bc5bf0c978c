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

CODE_STRIDE = 100_000_000
"""Code g of the pair with seed s is what the generator gives for seed ``s + g * CODE_STRIDE``.

Code 0 is that of a pair without groups. Seeds of pairs stay below the stride, so that no two codes
share a seed.
"""


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
    if seeds.stop > CODE_STRIDE:
        raise BadInput(
            f"with `groups`, the seeds of all pairs must be below {CODE_STRIDE:,}",
            hint="Use a smaller `first_seed`",
            field="first_seed",
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
    for shift in range(0, CODE_STRIDE * max(1, len(groups)), CODE_STRIDE):
        own = [seed + shift for seed in seeds]
        codes.append(
            generator.sample_class_latents(own, classes)
            if classes
            else generator.sample_latents(own)
        )
    return torch.cat(codes, dim=1)


def format_groups(groups: Sequence[int]) -> str:
    """``4,4,10``."""
    return ",".join(map(str, groups))
