"""Who picks pictures for a prompt: the judge, a reader of embeddings, or the prompt itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import rare_limits
import torch
from torch import Tensor
from worlds import World

from c2l import Question

NUM = 600
HALF = slice(NUM // 2), slice(NUM // 2, None)


def test_a_reader_knows_what_the_prompt_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings hold the colour and the size; texts say the colour alone."""
    monkeypatch.setattr(rare_limits, "STEPS", 80)
    rng = torch.Generator().manual_seed(0)
    shown = {
        "colour": torch.randint(4, (NUM,), generator=rng),
        "size": torch.randint(2, (NUM,), generator=rng),
    }
    embeddings = torch.cat([torch.eye(4)[shown["colour"]], torch.eye(2)[shown["size"]]], dim=1)
    embeddings += 0.05 * torch.randn(embeddings.shape, generator=rng)
    own, others = ({k: v[half] for k, v in shown.items()} for half in HALF)
    reader = rare_limits.taught(embeddings[HALF[0]], own)
    told = rare_limits.read_right(reader, embeddings[HALF[1]], others)
    assert min(told.values()) > 0.95

    questions = [Question(str(c), {"colour": c, "size": s}) for c in range(4) for s in range(2)]
    reached = {
        who: _shown(questions, scores, others)
        for who, scores in rare_limits.suiting(
            _world(), questions, embeddings[HALF[1]], others, reader
        )
    }
    assert reached["judge"] == 1
    assert reached["reader"] > 0.95
    assert 0.6 < reached["the prompt's embedding"] < 0.9


def _shown(questions: list[Question], scores: Tensor, shown: rare_limits.Shown) -> float:
    best = scores.topk(8, dim=1).indices
    marks = torch.stack([rare_limits.right(q, shown).float().mean(0) for q in questions])
    return float(marks.gather(1, best).mean())


def _world() -> World:
    def embed_text(prompts: list[str]) -> Tensor:
        return torch.stack([torch.eye(6)[int(prompt)] for prompt in prompts])

    embedder = SimpleNamespace(embed_text=embed_text)
    return cast("World", SimpleNamespace(embedder=embedder, domain=("0", "1", "2", "3")))
