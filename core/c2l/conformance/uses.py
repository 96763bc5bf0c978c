"""One whole use of a part: the questions that are asked of it here and in another process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from c2l.conformance import world
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.prior import Prior
from c2l.prior_file import PartCard, PriorCard
from c2l_registry import Source, parse_reference

SEEDS = (5, 3, 9)
PROMPTS = ("a man", "a young woman with glasses", "a red hat")

SavedPart = TypeVar("SavedPart", Generator, Prior)

KIND = "checked"
"""What a prior's file is said to hold, where its class is no registered kind."""


def some_pictures(num: int, height: int = 40, width: int = 40) -> Tensor:
    """Smooth random pictures, float32, (num, 3, height, width), within (-1, 1)."""
    rng = torch.Generator().manual_seed(0)
    coarse = 0.4 * torch.randn(num, 3, 5, 5, generator=rng)
    return interpolate(coarse, (height, width), mode="bilinear").tanh()


def some_embeddings(prior: Prior, num: int) -> Tensor:
    """Random embeddings of a prior's width, float32, (num, E)."""
    rng = torch.Generator().manual_seed(0)
    return torch.randn(num, prior.config.embedding_width, generator=rng)


@torch.no_grad()
def answers_of(part: Any) -> dict[str, Tensor]:
    """What a part answers to one question of each sort, by method."""
    if isinstance(part, Generator):
        latents = part.sample_latents(SEEDS)
        return {"sample_latents": latents, "synthesize": part.synthesize(latents, truncation=0.7)}
    if isinstance(part, Embedder):
        part.read_text(PROMPTS[0])
        return {
            "embed_text": part.embed_text(PROMPTS),
            "embed_images": part.embed_images(some_pictures(3)),
        }
    assert isinstance(part, Prior)
    return {"sample": part.sample(some_embeddings(part, 3), seeds=SEEDS)}


def use_prior(prior: Prior) -> None:
    """Fit, train, save, load and ask a new prior for the kit's world, whatever comes out."""
    embeddings, latents = (tensor[:64] for tensor in world.pairs())
    prior.fit(embeddings, latents)
    if prior.trains_by_gradient:
        rng = torch.Generator().manual_seed(0)
        prior.train().training_loss(embeddings, latents, rng).backward()  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        answers_of(reloaded(prior.eval(), Path(folder, "prior.safetensors")))


def reloaded(prior: Prior, path: Path, *, half: bool = False) -> Prior:
    """Save a prior, and load what was saved. The prior keeps the card that it had."""
    kept = prior.card
    part = PartCard("toy:part", "0" * 64)
    repeats = (1,) * prior.config.num_codes
    prior.save(path, PriorCard(KIND, dict(prior.settings()), part, part, repeats), half=half)
    prior.card = kept
    return loaded(type(prior), path).to(prior.device)


def loaded(cls: type[SavedPart], path: Path) -> SavedPart:
    """Load a file that the part of a class wrote."""
    return cls.load(Source(parse_reference(f"{KIND}:{path}"), path, None))
