"""How well pictures drawn from a prior fit what was asked for, judged by the embedder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.prior import Prior

BATCH_SIZE = 16
NUM_HELD_OUT = 64


@torch.no_grad()
def prompt_scores(
    prior: Prior,
    generator: Generator,
    embedder: Embedder,
    prompts: Sequence[str],
    repeats: Sequence[int],
) -> dict[str, float]:
    """Mean cosine of prompts and pictures, with the prior and with random latents (the start)."""
    text = embedder.embed_text(prompts)
    seeds = range(len(prompts))
    return {
        "prompts_cosine": _cosine(
            text, prior.sample(text, seeds=seeds), generator, embedder, repeats
        ),
        "prompts_cosine_random": _cosine(
            text, generator.sample_latents(seeds), generator, embedder, None
        ),
    }


@torch.no_grad()
def held_out_scores(
    prior: Prior,
    generator: Generator,
    embedder: Embedder,
    embeddings: Tensor,
    repeats: Sequence[int],
) -> dict[str, float]:
    """Mean cosine of held-out pictures and those drawn from their embeddings."""
    asked = embeddings[:NUM_HELD_OUT]
    latents = prior.sample(asked, seeds=range(len(asked)))
    return {"held_out_cosine": _cosine(asked, latents, generator, embedder, repeats)}


def _cosine(
    asked: Tensor,
    latents: Tensor,
    generator: Generator,
    embedder: Embedder,
    repeats: Sequence[int] | None,
) -> float:
    """Mean cosine of embeddings (B, E) and the pictures of latents (B, K, D)."""
    cosines = [
        cosine_similarity(embedder.embed_images(generator.synthesize(part, repeats=repeats)), want)
        for part, want in zip(
            latents.split(BATCH_SIZE), asked.to(embedder.device).split(BATCH_SIZE), strict=True
        )
    ]
    return float(torch.cat(cosines).mean())
