"""Candidates: the best of each picture is kept, and nothing else."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from c2l.sampling.ranking import keep_best


@pytest.mark.parametrize("num_candidates", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 10])
def test_the_best_of_each_picture(num_candidates: int, batch_size: int) -> None:
    rng = torch.Generator().manual_seed(0)
    embeddings = torch.randn(2 * num_candidates, 4, generator=rng)
    images = torch.randn(2 * num_candidates, 3, 2, 2, generator=rng)
    targets = torch.randn(2, 4, generator=rng)
    counted: list[int] = []
    rendered = zip(images.split(batch_size), embeddings.split(batch_size), strict=True)
    best = keep_best(rendered, targets, num_candidates, counted.append)

    cosines = cosine_similarity(embeddings.unflatten(0, (2, -1)), targets[:, None], dim=2)
    winners = cosines.argmax(dim=1)
    assert sum(counted) == 2 * num_candidates
    assert best.candidates.tolist() == winners.tolist()
    torch.testing.assert_close(best.scores, cosines.amax(dim=1))
    rows = torch.arange(2) * num_candidates + winners
    assert torch.equal(best.images, images[rows])
    assert torch.equal(best.embeddings, embeddings[rows])


def test_no_batch_stays_in_memory() -> None:
    batches: list[weakref.ref[np.ndarray]] = []  # type: ignore[type-arg]

    def rendered() -> Iterator[tuple[Tensor, Tensor]]:
        for first in range(3):
            batch = np.full((4, 3, 2, 2), first, dtype=np.float32)
            batches.append(weakref.ref(batch))
            yield torch.from_numpy(batch), torch.eye(4)
            assert [ref() is not None for ref in batches[:-1]] == [False] * first

    with torch.inference_mode():  # in which a view does not know its base
        keep_best(rendered(), torch.ones(3, 4), 4, lambda num: None)
    assert len(batches) == 3
