"""A world small enough to know all about: four attributes, and prompts that name them.

A latent is a one-hot code of each attribute followed by free numbers in [0, 1]. A prompt such as
``"shape2 colour0"`` names some attributes; whether a latent shows them can be read off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.seeds import draw_normal

ATTRIBUTES = {"shape": 4, "colour": 5, "place": 6, "mood": 3}
"""The number of values of each attribute."""

NUM_FREE = 4
SIZES = (*ATTRIBUTES.values(), NUM_FREE)
WIDTH = sum(SIZES)


def latents_of(noise: Tensor) -> Tensor:
    """Normal numbers (B, WIDTH) to latents (B, 1, WIDTH); every value is equally likely."""
    *codes, free = noise.split(SIZES, dim=1)
    hot = [F.one_hot(code.argmax(dim=1), code.shape[1]).float() for code in codes]
    return torch.cat([*hot, torch.special.ndtr(free)], dim=1)[:, None]


def latent_of(attributes: Mapping[str, int], seed: int) -> Tensor:
    """A latent (1, WIDTH) with these attributes; everything else comes from the seed."""
    *codes, free = latents_of(draw_normal([seed], WIDTH))[0].split(SIZES, dim=1)
    for index, (name, count) in enumerate(ATTRIBUTES.items()):
        if name in attributes:
            codes[index] = F.one_hot(torch.tensor([attributes[name]]), count).float()
    return torch.cat([*codes, free], dim=1)


def attributes_of(latents: Tensor) -> dict[str, Tensor]:
    """What latents (B, 1, WIDTH) show: the largest entry of each attribute, (B,) each."""
    pieces = latents[:, 0].split(SIZES, dim=1)
    return {name: part.argmax(dim=1) for name, part in zip(ATTRIBUTES, pieces, strict=False)}


def read_prompt(prompt: str) -> dict[str, int]:
    """``"shape2 colour0"`` to ``{"shape": 2, "colour": 0}``; other words mean nothing."""
    known = [word for word in prompt.split() if word[:-1] in ATTRIBUTES and word[-1].isdigit()]
    return {word[:-1]: int(word[-1]) for word in known}


def some_prompts(num: int, seed: int = 0) -> list[str]:
    """Prompts that name two or three attributes each; some may be equal."""
    rng = torch.Generator().manual_seed(seed)
    prompts = []
    for index in range(num):
        names = [list(ATTRIBUTES)[i] for i in torch.randperm(4, generator=rng)[: 2 + index % 2]]
        words = [f"{n}{int(torch.randint(ATTRIBUTES[n], (1,), generator=rng))}" for n in names]
        prompts.append(" ".join(words))
    return prompts


def share_shown(prompts: Sequence[str], latents: Tensor) -> float:
    """The share of the attributes named in B prompts that B latents show."""
    shown = attributes_of(latents)
    hits = [
        int(shown[name][row]) == value
        for row, prompt in enumerate(prompts)
        for name, value in read_prompt(prompt).items()
    ]
    return sum(hits) / len(hits)
