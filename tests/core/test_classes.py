"""Classes by number and by name, drawn from seeds, and found again among latents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import c2l
from c2l.class_regions import ClassRegions
from c2l.classes import Classes, known_lists, known_names, names_beside, read_names
from c2l.errors import BadInput

SEEDS = st.integers(0, 2**64 - 1)
IMAGENET = Classes(1000, known_names("imagenet"))
SIZES = {"afhq": 3, "cifar10": 10, "imagenet": 1000}


@given(st.lists(SEEDS, min_size=1, max_size=8))
def test_a_class_depends_on_its_seed_alone(seeds: list[int]) -> None:
    assert IMAGENET.draw(seeds) == [IMAGENET.draw([seed])[0] for seed in seeds]


def test_classes_are_drawn_equally_often() -> None:
    counts = Counter(Classes(4).draw(range(8000)))
    assert set(counts) == {0, 1, 2, 3}
    assert all(abs(n - 2000) < 200 for n in counts.values())


def test_classes_are_drawn_by_their_shares() -> None:
    counts = Counter(Classes(3, shares=(1, 0, 3)).draw(range(4000)))
    assert set(counts) == {0, 2} and abs(counts[0] - 1000) < 150


def test_classes_are_drawn_among_some() -> None:
    drawn = IMAGENET.draw(range(500), among=(151, 207, 999))
    assert set(drawn) == {151, 207, 999}
    with pytest.raises(BadInput, match="not trained on these"):
        Classes(3, shares=(1, 0, 3)).draw([0], among=[1])


def test_labels_do_not_follow_the_numbers_of_pictures() -> None:
    """z of the same seed begins with a uniform or a normal number of the usual streams."""
    first = c2l.draw_normal(range(2000), 1)[:, 0]
    labels = torch.tensor(Classes(1000).draw(range(2000))).float()
    assert abs(torch.corrcoef(torch.stack([first, labels]))[0, 1]) < 0.08


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_what_is_no_seed_is_refused(seed: int) -> None:
    with pytest.raises(BadInput, match="is not a seed"):
        IMAGENET.draw([seed])


@pytest.mark.parametrize(
    ("given", "number"),
    [(207, 207), ("207", 207), ("golden retriever", 207), ("Golden_Retriever", 207), (0, 0)],
)
def test_a_class_by_number_or_name(given: int | str, number: int) -> None:
    assert IMAGENET.number(given) == number


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        (1000, "there is no class 1000", "from 0 to 999"),
        ("-1", "there is no class -1", "from 0 to 999"),
        ("goldn retriver", "no class is called 'goldn retriver'", "'golden retriever'"),
        ("retriever", "no class is called", "'golden retriever'"),
        ("qqq", "no class is called", "or give a number from 0 to 999"),
        ("", "no class is called ''", "number"),
    ],
)
def test_what_is_no_class(given: int | str, message: str, hint: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        IMAGENET.number(given)
    assert hint in caught.value.hint and caught.value.field == "class_label"


def test_without_names() -> None:
    assert Classes(3).name(2) == "2" and IMAGENET.name(207) == "golden retriever"
    with pytest.raises(BadInput, match="no names") as caught:
        Classes(3).number("cat")
    assert caught.value.hint == "Give a number from 0 to 2"


def test_several_classes() -> None:
    assert IMAGENET.numbers(["151-153", 7, "tabby cat", "7"]) == (7, 151, 152, 153, 281)
    assert Classes(2, ("1-2", "b")).numbers(["1-2"]) == (0,)
    with pytest.raises(BadInput, match="end before they start") as caught:
        IMAGENET.numbers(["9-7"])
    assert caught.value.hint == "Write 7-9"
    with pytest.raises(BadInput, match="there is no class 2000"):
        IMAGENET.numbers(["7-2000"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"num": 0},
        {"num": 2, "names": ("a",)},
        {"num": 2, "names": ("a", "a")},
        {"num": 2, "shares": (1.0,)},
        {"num": 2, "shares": (0.0, 0.0)},
        {"num": 2, "shares": (-1.0, 2.0)},
        {"num": 2, "shares": (float("nan"), 2.0)},
    ],
)
def test_classes_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Classes(**wrong)  # type: ignore[arg-type]


def test_lists_of_well_known_classes() -> None:
    """Every name can be typed: none is empty, none is another's in other case."""
    assert {name: len(known_names(name)) for name in known_lists()} == SIZES
    for name, size in SIZES.items():
        classes = Classes(size, known_names(name))
        assert [classes.number(label) for label in classes.names] == list(range(size))
    with pytest.raises(BadInput, match="no list of classes called 'imagnet'"):
        known_names("imagnet")


def test_names_in_a_file(tmp_path: Path) -> None:
    path = names_beside(tmp_path / "net.safetensors")
    path.write_text("red disc\nblue disc\n")
    assert path.name == "net.classes.txt" and read_names(path) == ("red disc", "blue disc")
    path.write_text("red disc\n\nblue disc\n")
    with pytest.raises(BadInput, match="has an empty line 2"):
        read_names(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="cannot be read"):
        read_names(path)


# -- regions


def sample(seeds: range, classes: list[int]) -> torch.Tensor:
    """Three classes in a plane, and six more directions in which all are alike, one of them flat.

    The spread hides them: 4 in the first of those, 0.5 where they lie apart.
    """
    scale = torch.tensor([0.5, 0.5, 4, 1, 1, 1, 1, 0])
    centres = torch.tensor([[0.0, 0], [3, 0], [0, 3]])
    rows = c2l.draw_normal(list(seeds), 8) * scale
    rows[:, :2] += centres[torch.tensor(classes)]
    return rows[:, None]


def test_classes_are_found_among_latents() -> None:
    regions = ClassRegions(sample, 3)  # type: ignore[arg-type]
    truth = [i % 3 for i in range(600)]
    latents = sample(range(5000, 5600), truth)
    assert (regions.classes_of(latents) == torch.tensor(truth)).float().mean() > 0.99


def test_latents_are_moved_to_another_class() -> None:
    regions = ClassRegions(sample, 3)  # type: ignore[arg-type]
    latents = sample(range(5000, 5200), [0] * 200)
    wanted = torch.tensor([1] * 200)
    moved = regions.moved(latents, wanted)
    assert torch.equal(regions.classes_of(moved), wanted)
    step = (moved - latents)[:, 0]
    assert (step - torch.tensor([3.0, 0, 0, 0, 0, 0, 0, 0])).square().mean().sqrt() < 0.5


def arcs(seeds: Sequence[int], classes: Sequence[int]) -> torch.Tensor:
    """Two classes, each three quarters of a circle, one turned by a quarter: none has its mean."""
    turn = c2l.draw_normal(list(seeds), 1)[:, 0].erf() * 0.75 * torch.pi
    turn, number = turn + torch.tensor(classes) * torch.pi / 2, torch.tensor(classes) * 4.0
    return torch.stack([turn.cos(), turn.sin(), number], dim=1)[:, None]


def test_latents_are_moved_as_the_random_ones_next_to_them() -> None:
    """And so land in the other class, where its mean would lead out of it."""
    regions = ClassRegions(arcs, 2)
    latents, truth = (arcs(range(5000, 5200), [number] * 200) for number in (0, 1))
    moved = regions.moved(latents, torch.ones(200, dtype=torch.int64))
    assert (moved - truth).square().mean().sqrt() < 0.05
    from_the_middle = moved[:, 0, :2].norm(dim=1)
    assert from_the_middle.min() > 0.9


def test_many_classes_with_few_latents_of_each() -> None:
    """Fewer seeds are shown in all classes than a code has numbers; others are no strangers."""
    table = torch.randn(20_000, 48, generator=torch.Generator().manual_seed(0))
    centres = 2 * table[-1000:]

    def drawn(seeds: Sequence[int], classes: Sequence[int]) -> torch.Tensor:
        return (table[list(seeds)] + centres[list(classes)])[:, None]

    regions = ClassRegions(drawn, 1000)
    seeds, own, goal = range(15_000, 15_200), torch.arange(200), torch.arange(200, 400)
    latents = drawn(seeds, own.tolist())
    assert torch.equal(regions.classes_of(latents), own)
    stayed = (regions.moved(latents, own) == latents).flatten(1).all(dim=1)
    assert stayed.float().mean() > 0.97
    apart = (regions.moved(latents, goal) - drawn(seeds, goal.tolist())).norm(dim=2)
    assert apart.mean() < 0.2 * (centres[own] - centres[goal]).norm(dim=1).mean()


def test_what_no_random_latent_is_like_becomes_one() -> None:
    """It may be of its class by all that can be computed, and show none."""
    regions = ClassRegions(arcs, 2)
    moved = regions.moved(torch.tensor([[[0.0, 9.0, 4.0]]]), torch.tensor([1]))
    assert (moved[0, 0] - torch.tensor([0.0, 1.0, 4.0])).norm() < 0.3


def test_what_is_far_from_all_classes_ends_within_one() -> None:
    regions = ClassRegions(sample, 3)  # type: ignore[arg-type]
    far = 50 * torch.ones(4, 1, 8)
    moved = regions.moved(far, torch.tensor([0, 0, 1, 2]))
    assert regions.classes_of(moved).tolist() == [0, 0, 1, 2]
    changed = moved[:, 0].norm(dim=1)[regions.classes_of(far) != torch.tensor([0, 0, 1, 2])]
    assert changed.max() < 40


def test_several_codes_are_moved_one_by_one() -> None:
    regions = ClassRegions(sample, 3)  # type: ignore[arg-type]
    several = torch.cat([sample(range(9), [0] * 9), sample(range(9, 18), [0] * 9)], dim=1)
    moved = regions.moved(several, torch.tensor([2] * 9))
    assert moved.shape == several.shape
    assert regions.classes_of(moved[:, :1]).tolist() == [2] * 9
    assert regions.classes_of(moved[:, 1:]).tolist() == [2] * 9
