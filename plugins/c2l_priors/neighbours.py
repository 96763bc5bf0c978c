"""Nearest neighbours (Cover & Hart 1967): no training, the baseline that every prior must beat.

The answer to a prompt is the latent of a stored picture whose embedding lies near it. Embeddings
are compared by the cosine around the mean of their modality: without centring, all pictures of one
generator are nearly equally near to any text.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, M stored pairs.

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from c2l import BridgedPrior, FixedBridgeSettings, SampleOptions, draw_index
from c2l.ranges import Count, Positive


class NeighboursPrior(BridgedPrior):
    """Nearest neighbours: the latent of a stored picture; the seed picks among the nearest.

    Files are in float16, to which ``fit`` rounds, whatever ``half`` says.
    """

    class Settings(FixedBridgeSettings):
        """What decides a ``NeighboursPrior``, besides its bridge.

        Args:
            num_stored: at most this many pairs are kept, the first ones; after ``fit``, how many
                are.
            num_nearest: how many of them a seed picks from.
            temperature: of the softmax that picks, in units of the cosine: near ones are likelier.
        """

        num_stored: Count = 20_000
        num_nearest: Count = 8
        temperature: Positive = 0.05

    config: Settings
    trains_by_gradient: ClassVar[bool] = False
    always_half: ClassVar[bool] = True
    supported_options: ClassVar[frozenset[str]] = frozenset({"negative"})
    directions: Tensor
    latents: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config = self.config
        codes = config.num_codes, config.latent_width
        self.register_buffer("directions", torch.zeros(config.num_stored, config.embedding_width))
        self.register_buffer("latents", torch.zeros(config.num_stored, *codes))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        num = min(self.config.num_stored, len(latents))
        self.config = self.config.model_copy(update={"num_stored": num})
        for statistics in self.bridge.buffers():
            statistics.copy_(_to_half(statistics))
        self.directions = _to_half(self.bridge.unit(embeddings[:num], "image"))
        self.latents = _to_half(latents[:num].to(self.device))

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        asked = self.bridge.ask(embeddings, options).unit
        num = min(self.config.num_nearest, len(self.latents))
        near = (asked @ self.directions.T).topk(num, dim=1)
        weights = (near.values / self.config.temperature).softmax(dim=1).cpu()
        picked = [draw_index(row, seed) for row, seed in zip(weights, options.seeds, strict=True)]
        columns = torch.tensor(picked, dtype=torch.int64, device=self.device)
        rows = near.indices.gather(1, columns[:, None])
        return self.latents[rows[:, 0]].float()


def _to_half(values: Tensor) -> Tensor:
    """Rounded to what float16 can hold, still float32."""
    return values.half().float()
