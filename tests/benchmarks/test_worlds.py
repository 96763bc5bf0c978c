"""The worlds that resist keep the laws of their parts, and what is measured of them is true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from worlds import clocks, shapes
from worlds.adversarial import Plan, note_codes, train
from worlds.clip import Regime, SmallCLIP
from worlds.clip import train as train_clip
from worlds.clocks import ClocksGenerator, ClocksJudge
from worlds.digits_gan import DigitsGenerator
from worlds.digits_gan import Discriminator as DigitsDiscriminator
from worlds.discs import NAMES, SETTINGS, DiscsJudge, ZeroLabels, draw
from worlds.faces_gan import Discriminator, FacesGenerator
from worlds.measure import pixels_apart, rank_correlation
from worlds.shapes import FACTS, LoudEmbedder, ShapesGenerator, ShapesJudge
from worlds.statistics import apart, read_by_a_line, statistics

from c2l.testing import assert_conforms

WORDS = ("a", "man", "with", "beard", "by", "the", "sea")
"""Of the prompts that the laws ask."""


def seeded(make: Callable[[], Any]) -> Any:
    torch.manual_seed(0)
    return make().eval().requires_grad_(False)


def digits_generator() -> DigitsGenerator:
    return with_codes(seeded(DigitsGenerator))


def faces_generator() -> FacesGenerator:
    return with_codes(seeded(FacesGenerator))


def with_codes(generator: Any) -> Any:
    note_codes(generator, torch.Generator().manual_seed(0))
    return generator


def small_clip() -> SmallCLIP:
    return seeded(lambda: SmallCLIP(WORDS, 32))


def large_clip() -> SmallCLIP:
    return seeded(lambda: SmallCLIP(WORDS, 64))


def shapes_generator() -> ShapesGenerator:
    return seeded(ShapesGenerator)


def clocks_generator() -> ClocksGenerator:
    return seeded(ClocksGenerator)


def loud_clip() -> LoudEmbedder:
    return LoudEmbedder(small_clip()).eval()


@pytest.mark.parametrize(
    "make",
    [
        digits_generator,
        faces_generator,
        shapes_generator,
        clocks_generator,
        small_clip,
        large_clip,
        loud_clip,
    ],
)
def test_parts_conform(make: Callable[[], Any]) -> None:
    assert_conforms(make)


class Squares:
    """A white square of one of two sizes, said to be so."""

    num = 64
    words = ("large", "small")

    def images(self, rows: torch.Tensor) -> torch.Tensor:
        images = -torch.ones(len(rows), 3, 32, 32)
        for image, row in zip(images, rows.tolist(), strict=True):
            side = 24 if row % 2 else 6
            image[:, :side, :side] = 1
        return images

    def caption(self, row: int, rng: torch.Generator) -> str:
        return "large" if row % 2 else "small"


def test_a_clip_learns_what_captions_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worlds.clip.BATCH", 32)
    file = tmp_path / "clip.safetensors"
    train_clip(Squares(), Regime(scale=14.0, learnt=True, wrong=0.1, seed=0), 20, file)
    clip = SmallCLIP.read(file)
    seen = torch.nn.functional.normalize(clip.embed_images(Squares().images(torch.arange(8))))
    read = torch.nn.functional.normalize(clip.embed_text(["small", "large"]))
    cosines = seen @ read.T
    assert (cosines - cosines.mean(0)).argmax(1).tolist() == [0, 1] * 4


def test_an_adversary_is_learnt_from(tmp_path: Path) -> None:
    generator, steps = seeded(FacesGenerator).requires_grad_(True), []
    images = torch.zeros(8, 3, 64, 64)
    plan = Plan(steps=2, batch=4, rate=1e-3, ema=0.9, r1=1.0, r1_every=2)
    average = train(generator, Discriminator(), images, plan, lambda step, _: steps.append(step))
    assert steps == [1, 2]
    codes = average.map(torch.randn(2000, average.z_width))
    assert torch.allclose(average.mean, codes.mean(0, keepdim=True), atol=0.1)
    assert not torch.equal(average.start, seeded(FacesGenerator).start)


class Watched(DigitsGenerator):
    """Remembers which codes it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[torch.Tensor] = []

    def draw(self, codes: torch.Tensor) -> torch.Tensor:
        self.given.append(codes.detach())
        return super().draw(codes)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_mixed_pictures_change_their_code_once_and_anywhere(share: float) -> None:
    generator, plan = Watched().requires_grad_(True), Plan(12, 2, 1e-3, 0.9, 1.0, 8, share)
    judge = DigitsDiscriminator(len(generator.layers))
    train(generator, judge, torch.zeros(4, 1, 32, 32), plan, lambda step, _: None)
    places = set()
    for codes in generator.given:
        changes = (codes[:, 1:] != codes[:, :-1]).any(2)
        assert torch.equal(changes[0], changes[1])
        assert int(changes[0].sum()) == share
        places.update((1 + changes[0].nonzero()[:, 0]).tolist())
    assert places == ({1, 2, 3} if share else set())


def test_statistics_of_two_cones() -> None:
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 512, 16, generator=rng) / 4
    pictures, captions = torch.eye(16)[0] + noise[0], torch.eye(16)[1] + noise[1]
    found = statistics(pictures, captions)
    assert found["separable"] > 0.98
    assert found["pictures"] > 0.4
    assert abs(found["any pair"]) < 0.05
    assert found["recall of 256"] < 0.05
    assert statistics(pictures, pictures)["recall of 256"] == 1
    assert statistics(pictures, pictures)["separable"] < 0.55


def test_what_a_line_reads() -> None:
    codes = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0))
    assert read_by_a_line(codes, (codes[:, 0] > 0).long()) > 0.9
    assert read_by_a_line(codes, (codes[:, 0] * codes[:, 1] > 0).long()) < 0.1


def test_frequencies_apart() -> None:
    values = torch.tensor([0, 0, 1, 1])
    assert apart(values, values) == 0
    assert apart(values, torch.tensor([2, 2, 2, 2])) == 1
    assert apart(values, torch.tensor([0, 1, 1, 1])) == 0.25


def test_ties_share_a_rank() -> None:
    assert rank_correlation([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [30, 20, 10]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 2, 2], [1, 1, 2, 2]) == pytest.approx(1)
    assert rank_correlation([1, 1, 2, 2], [1, 2, 1, 2]) == pytest.approx(0)


def test_how_far_pixels_are_apart() -> None:
    images = torch.stack([-torch.ones(3, 4, 4), torch.ones(3, 4, 4)])
    assert pixels_apart(images[None]).item() == pytest.approx(2)
    assert pixels_apart(images[:1].expand(3, -1, -1, -1)[None]).item() == pytest.approx(0)


def test_the_judge_of_discs_sees_which_colour_was_drawn() -> None:
    z = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    classes = torch.arange(100) % len(NAMES)
    assert torch.equal(DiscsJudge()(draw(z, classes))["disc"], classes)


def test_the_judge_of_shapes_sees_what_was_meant() -> None:
    generator = shapes_generator()
    latents = generator.sample_latents(range(400))
    seen, meant = ShapesJudge()(generator.synthesize(latents)), generator.facts(latents[:, 0])
    right = {name: float((seen[name] == meant[name]).float().mean()) for name in FACTS}
    assert all(share > 0.99 for name, share in right.items() if name not in ("shape", "size"))
    # Between two shapes lie some that are neither.
    assert right["shape"] > 0.94 and right["size"] > 0.96


def test_the_judge_of_clocks_sees_what_was_meant() -> None:
    generator = clocks_generator()
    latents = generator.sample_latents(range(400))
    seen, meant = ClocksJudge()(generator.synthesize(latents)), generator.facts(latents[:, 0])
    right = {name: float((seen[name] == fact).float().mean()) for name, fact in meant.items()}
    assert all(share > 0.99 for name, share in right.items() if name not in ("form", "size"))
    # Corners between round and square, and sizes near the middle.
    assert right["form"] > 0.93 and right["size"] > 0.94


@pytest.mark.parametrize("world", [clocks, shapes])
def test_a_drawn_world_is_asked_only_in_words_its_embedder_reads(world: Any) -> None:
    generator = {clocks: clocks_generator, shapes: shapes_generator}[world]()
    corpus = shapes.DrawnCorpus(generator, world.FACTS, world.phrase, world.SILENT, num=8)
    asked = [*world.domain_prompts(), corpus.caption(0, torch.Generator().manual_seed(0))]
    assert {word for text in asked for word in text.split()} <= {*corpus.words}
    assert corpus.images(torch.tensor([0, 8])).shape == (2, 3, 32, 32)


def test_the_label_of_zeros_is_none_of_the_classes() -> None:
    zeros = seeded(lambda: ZeroLabels(SETTINGS))
    assert zeros.classes is None
    told = torch.eye(len(NAMES))
    for seed in (3, 4):
        w = zeros.sample_latents([seed])[0, 0]
        z = zeros._noise([seed]).expand(len(NAMES), -1)
        apart = (zeros.map(z, told)[:, 0] - w).norm(dim=1)
        assert apart.min() > 1e-3
