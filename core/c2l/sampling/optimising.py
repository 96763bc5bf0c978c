"""Latent optimisation, after StyleCLIP (Patashnik et al. 2021, arXiv 2103.17249).

Gradient descent through embedder and generator moves latents nearer to a prompt. It is slow: an
upper bound for every prior, and a last polish for a picture that is nearly right.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.adam import Adam
from c2l.budgets import OPTIMISING
from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.guard import blaming

STEP_SIZE = 0.1
"""Of Adam, in standard deviations of a latent dimension."""

PULL = 0.05
"""The penalty, as a cosine, for moving one standard deviation away from the start."""


def optimise(
    generator: Generator,
    embedder: Embedder,
    latents: Tensor,
    text: Tensor,
    *,
    steps: int,
    truncation: float = 1.0,
    repeats: Sequence[int] | None = None,
) -> Tensor:
    """Move latents until their pictures are nearer to text.

    Args:
        generator: differentiable from latents to images.
        embedder: differentiable from images to embeddings.
        latents: where to start, float32, (B, K, D): a prior's samples, or a generator's.
        text: embeddings to come near to, float32, (B, E).
        steps: of gradient descent (Adam), 0 or more; a hundred change what a picture shows.
        truncation, repeats: as ``Generator.synthesize`` will be called.
    Returns:
        float32, (B, K, D). Row i depends only on row i of the input.
    Raises:
        BadInput: the generator or the embedder has no gradient.
    """
    if steps < 1:
        return latents
    rows = OPTIMISING.pictures(generator.image_size, generator.device.type)
    moved = []
    # The caller may be in inference mode, whose tensors cannot carry gradients: copies can.
    with torch.inference_mode(False), torch.enable_grad():
        std = generator.latent_space.std.mean(dim=0, keepdim=True).clone().to(generator.device)
        for start, want in zip(latents.split(rows), text.split(rows), strict=True):
            start, want = start.clone().to(generator.device), want.clone().to(embedder.device)
            offset = torch.zeros_like(start, requires_grad=True)
            adam = Adam([offset], lr=STEP_SIZE, betas=(0.9, 0.99))
            for _ in range(steps):
                images = generator.synthesize(
                    start + std * offset, truncation=truncation, repeats=repeats
                )
                cosine = F.cosine_similarity(embedder.embed_images(images), want)
                if not cosine.requires_grad:
                    raise BadInput(
                        f"{generator.reference or 'the generator'} has no gradient to follow",
                        hint="Leave out `optimise`",
                        field="optimise",
                    )
                # A sum, so that no latent's step depends on how many there are.
                pull = PULL * offset.square().mean(dim=(1, 2))
                loss = (pull - cosine.to(pull.device)).sum()
                adam.zero_grad()
                with (
                    blaming(type(generator), "synthesize"),
                    blaming(type(embedder), "embed_images"),
                ):
                    loss.backward()
                adam.step()
            moved.append((start + std * offset).detach())
    return torch.cat(moved)
