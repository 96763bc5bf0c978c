"""What is drawn, and in which batches."""

from __future__ import annotations

import pytest

from c2l.evaluation.plan import Plan, make_plan


def plan(num_prompts: int, num_images: int) -> Plan:
    return make_plan(
        [f"prompt {i}" for i in range(num_prompts)],
        num_images=num_images,
        seed=5,
        guidance=[None],
        steps=[None],
        num_reference=64,
    )


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
@pytest.mark.parametrize(("num_prompts", "num_images"), [(5, 3), (30, 4), (2, 10), (1, 1)])
def test_batches_hold_every_picture_once_and_in_order(
    num_prompts: int, num_images: int, size: int
) -> None:
    planned = plan(num_prompts, num_images)
    drawn: list[tuple[str, int]] = []
    shown = 0
    for batch in planned.batches(size):
        assert batch.first == len(drawn)
        assert batch.num <= size
        assert len({len(seeds) for seeds in batch.seeds}) == 1
        drawn += [
            (prompt, seed)
            for prompt, seeds in zip(batch.prompts, batch.seeds, strict=True)
            for seed in seeds
        ]
        assert not batch.num_shown or shown == batch.first  # the first pictures, without a gap
        shown += batch.num_shown
    assert drawn == [
        (f"prompt {i}", 5 + 1000 * i + j) for i in range(num_prompts) for j in range(num_images)
    ]
    assert shown == planned.num_shown * num_images
