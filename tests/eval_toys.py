"""A toy prior and a toy judge, to evaluate the toy world with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity
from toys import EMBEDDING_WIDTH, IMAGE_SIZE, ToyEmbedder, ToyGenerator

import c2l
from c2l.evaluation import Question


class SearchPrior(c2l.Prior):
    """The best of some random latents, by the toy embedder; guidance is how many.

    Each step calls its network once, though nothing comes of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = (ToyGenerator(), ToyEmbedder())  # a tuple, so not part of the prior
        self.network = nn.Linear(EMBEDDING_WIDTH, 1)
        self.calls = 0
        self.stop_at = 0  # raise Ctrl-C in this call

    def settings(self) -> Mapping[str, Any]:
        return {"guidance": 8.0, "steps": 2}

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        raise NotImplementedError

    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
        **others: Any,
    ) -> Tensor:
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        for _ in range(steps or 2):
            self.network(embeddings)
        generator, embedder = self.world
        rows = []
        for row, seed in zip(embeddings, seeds, strict=True):
            tries = generator.sample_latents(range(100 * seed, 100 * seed + int(guidance or 8)))
            seen = embedder.embed_images(generator.synthesize(tries))
            rows.append(tries[int(cosine_similarity(seen, row[None]).argmax())])
        return torch.stack(rows)


class LightJudge:
    """Sees whether a picture is bright, and whether it is rather red than green."""

    def questions(self, num: int, seed: int) -> list[Question]:
        return [
            Question(f"shape{i % 4} colour{i % 5} and{i}", {"bright": i % 2, "red": i // 2 % 2})
            for i in range(seed, seed + num)
        ]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        red, green, _ = images.mean((2, 3)).unbind(1)
        return {"bright": (images.mean((1, 2, 3)) > 0).long(), "red": (red > green).long()}

    def drawings(self, questions: Sequence[Question]) -> Tensor:
        images = torch.zeros(len(questions), 3, IMAGE_SIZE, IMAGE_SIZE)
        for image, question in zip(images, questions, strict=True):
            image += 0.5 if question.named["bright"] else -0.5
            image[0] += 0.1 if question.named["red"] else -0.1
        return images


def toy_pipeline(prior: c2l.Prior | None = None) -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), prior or SearchPrior())
