"""Pairs without what is never seen together, and the prompts that ask for it all the same."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import rare
import torch
from torch import Tensor
from worlds import World


def test_nothing_excluded_is_drawn_and_the_rest_stays() -> None:
    seeds = [0, 1, 5, 6, 2**33]
    world = fake_world()
    before = world.generator.sample_latents(seeds)
    after = rare.without(world, [{"low": 1, "high": 0}]).generator.sample_latents(seeds)
    kept = [0, 3]  # 1 and 5 are low and not high, 2**33 is neither of both by its remainder
    assert torch.equal(before[kept], after[kept])
    assert not rare.shown(world, after, [{"low": 1, "high": 0}]).any()


def fake_world() -> World:
    """Latents are seeds modulo 4, whose bits are what the judge sees."""

    def sample(seeds: Any) -> Tensor:
        # Another try must not give the same remainder again.
        return torch.tensor([[[float((seed + seed // rare.NEXT_TRY) % 4)]] for seed in seeds])

    def synthesize(latents: Tensor, repeats: Sequence[int] | None = None) -> Tensor:
        return latents[:, :, :, None]

    def judge(images: Tensor) -> dict[str, Tensor]:
        value = images.flatten().long()
        return {"low": value % 2, "high": value // 2}

    generator = SimpleNamespace(sample_latents=sample, synthesize=synthesize)
    return cast("World", SimpleNamespace(generator=generator, judge=judge))


def test_prompts_name_both_things() -> None:
    questions = rare.never_together(cast("World", None))
    assert len(questions) == rare.NUM_PROMPTS == len({q.prompt for q in questions})
    for question, both in zip(questions, rare.NEVER * rare.NUM_PROMPTS, strict=False):
        assert rare.indices(both).items() <= question.named.items()


def test_prompts_name_many_things_or_have_words_that_the_domain_lacks() -> None:
    world = open_faces()
    many, other = rare.many_things(world), rare.other_words(world)
    assert len(many) == len(other) == rare.NUM_PROMPTS
    assert min(len(question.named) for question in many) >= rare.MANY
    known = set(" ".join(world.domain).lower().split())
    assert all(set(q.prompt.lower().replace(",", " ").split()) - known for q in other)


def open_faces() -> World:
    from c2l.prompts.domains import find_domain
    from c2l_demo.judge import faces

    return cast("World", SimpleNamespace(judge=faces, domain=find_domain("faces", "").prompts))
