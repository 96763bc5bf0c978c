"""Prompts that lie far from what a generator draws."""

from __future__ import annotations

from typing import Any

import torch

from c2l.embedder import TextReading
from c2l.pipeline import Pipeline, Result, SamplingSettings
from c2l.prior_file import PartCard, PriorCard
from c2l.prompts.far import far_prompts
from c2l.testing import ToyEmbedder, ToyGenerator, toy_pairs
from c2l_priors.neighbours import NeighboursPrior


class Reading(ToyEmbedder):
    """Has never seen two words."""

    def read_text(self, prompt: str) -> TextReading:
        return TextReading(unknown=tuple(w for w in prompt.split() if w in ("Hatsune", "Miku")))


def pipeline(domain: dict[str, Any]) -> Pipeline:
    embeddings, latents = toy_pairs(20)
    prior = NeighboursPrior(embedding_width=48, num_codes=1, latent_width=latents.shape[2])
    prior.fit(embeddings, latents)
    part = PartCard("toy:part", "0")
    prior.card = PriorCard("neighbours", prior.settings(), part, part, (5,), domain=domain)
    return Pipeline(ToyGenerator(), Reading(), prior)


def result(scores: dict[str, list[float]]) -> Result:
    rows = [(prompt, score) for prompt, row in scores.items() for score in row]
    empty = torch.empty(0)
    return Result(
        images=empty,
        latents=empty,
        scores=torch.tensor([score for _, score in rows]),
        seeds=tuple(range(len(rows))),
        prompts=tuple(prompt for prompt, _ in rows),
        settings=SamplingSettings(),
        milliseconds={},
    )


def test_the_best_picture_decides() -> None:
    drawn = result({"near": [0.1, 0.5], "far": [0.1, 0.29], "at it": [0.3]})
    assert far_prompts(pipeline({"name": "faces", "threshold": 0.3}), drawn) == ("far",)
    assert far_prompts(pipeline({"name": "general"}), drawn) == ()


def test_a_prompt_of_which_no_word_is_known_is_far() -> None:
    drawn = result({"Hatsune Miku": [0.9], "a Miku of the Hatsune": [0.9], "a red Miku": [0.9]})
    far = far_prompts(pipeline({"threshold": 0.3}), drawn)
    assert far == ("Hatsune Miku", "a Miku of the Hatsune")
