"""A prior of the toy world that needs no training: it tries latents and takes the best."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l.pipeline import Pipeline
from c2l.prior import Prior
from c2l.prior_checks import check_pairs
from c2l.prior_settings import PriorSettings
from c2l.ranges import Guidance, Steps
from c2l.sample_options import SampleOptions
from c2l.seeds import SeededNormal
from c2l.testing.toy_world import WIDTH, latents_of
from c2l.testing.toys import EMBEDDING_WIDTH, toy_parts


class ToySettings(PriorSettings):
    """Those of ``ToyPrior``; its widths are fixed.

    Args:
        guidance: latents tried in each step, rounded; 1 or more.
        steps: how often that many are tried.
    """

    embedding_width: int = EMBEDDING_WIDTH
    num_codes: int = 1
    latent_width: int = WIDTH
    guidance: Guidance = 8.0
    steps: Steps = 2


class ToyPrior(Prior):
    """Random search: the latent whose toy picture lies nearest to the embedding.

    More guidance and more steps find nearer ones. Its network, called once in a step, is the
    cosine: a sum whose weights are all 1.
    """

    Settings = ToySettings
    config: ToySettings
    reference = "toy:prior"
    trains_by_gradient: ClassVar[bool] = False
    supported_options: ClassVar[frozenset[str]] = frozenset({"guidance", "steps"})

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.world = toy_parts()  # in a tuple, where torch does not count them as its own modules
        with torch.random.fork_rng(devices=[]):
            self.network = nn.Linear(EMBEDDING_WIDTH, 1)
        nn.init.ones_(self.network.weight)
        nn.init.zeros_(self.network.bias)

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        check_pairs(self.config, embeddings, latents, texts)

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        guidance = self.config.guidance if options.guidance is None else options.guidance
        num_tries = max(1, round(guidance))
        generator, embedder = self.world
        asked = F.normalize(embeddings.to(self.device), dim=1)[:, None]
        noise = SeededNormal(options.seeds, torch.device("cpu"))
        best, highest = None, None
        for _ in range(options.steps or self.config.steps):
            tries = torch.stack([latents_of(noise(WIDTH)) for _ in range(num_tries)], dim=1)
            seen = embedder.embed_images(generator.synthesize(tries.flatten(0, 1)))
            unit = F.normalize(seen, dim=1).unflatten(0, tries.shape[:2]).to(self.device)
            scores = self.network(unit * asked)[..., 0]
            score, index = scores.max(dim=1)
            found = tries.to(self.device)[torch.arange(len(index)), index]
            if best is None or highest is None:
                best, highest = found, score
            else:
                best = torch.where((score > highest)[:, None, None], found, best)
                highest = torch.maximum(score, highest)
        assert best is not None, "there is at least one step"
        return best


def toy_pipeline(prior: Prior | None = None) -> Pipeline:
    """The toy parts together."""
    return Pipeline(*toy_parts(), prior or ToyPrior())
