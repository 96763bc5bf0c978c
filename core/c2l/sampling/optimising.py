"""Latents brought nearer to a prompt by the gradient of the embedder through the generator.

The slow upper line for every prior (in the manner of StyleCLIP's optimisation, Patashnik et al.
2021, arXiv 2103.17249), and a last polish for a picture that is nearly right. It needs the live
generator and the embedder, so it is no prior but something done to a prior's answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.budgets import OPTIMISING
from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.guard import blaming

STEP_SIZE = 0.1
"""Of Adam, in standard deviations of a latent dimension."""

PULL = 0.05
"""What a latent pays in cosine for lying one standard deviation from where it started."""


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
        steps: of gradient descent (Adam); a hundred change what a picture shows.
        truncation, repeats: as ``Generator.synthesize`` will be called.
    Returns:
        float32, (B, K, D). Row i depends on row i of the input alone.
    Raises:
        BadInput: the generator or the embedder has no gradient.
    """
    if steps < 1:
        return latents
    rows = OPTIMISING.pictures(generator.image_size, generator.device.type)
    moved = []
    # The pipeline works in inference mode, whose tensors cannot carry gradients: copies can.
    with torch.inference_mode(False), torch.enable_grad():
        std = generator.latent_space.std.mean(dim=0, keepdim=True).clone().to(generator.device)
        for start, want in zip(latents.split(rows), text.split(rows), strict=True):
            start, want = start.clone().to(generator.device), want.clone().to(generator.device)
            offset = torch.zeros_like(start, requires_grad=True)
            adam = torch.optim.Adam([offset], lr=STEP_SIZE, betas=(0.9, 0.99))
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
                loss = (PULL * offset.square().mean(dim=(1, 2)) - cosine).sum()
                adam.zero_grad()
                with (
                    blaming(type(generator), "synthesize"),
                    blaming(type(embedder), "embed_images"),
                ):
                    loss.backward()
                adam.step()
            moved.append((start + std * offset).detach())
    return torch.cat(moved)
