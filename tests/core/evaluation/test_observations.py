"""What was seen in pictures: joined, grouped, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from c2l.evaluation.observations import Observations


def some(num: int, first: int = 0) -> Observations:
    numbers = torch.arange(first, first + num)
    return Observations(
        features={"own": numbers[:, None].float().expand(-1, 3), "inception": numbers[:, None] / 2},
        attributes={"hair style/2": numbers},
        latents=numbers[:, None, None].float(),
        thumbnails=numbers.to(torch.uint8)[:, None, None, None],
        milliseconds={"prior": 0.1 * num, "a stage": 1.0},
    )


def same(one: Observations, other: Observations) -> bool:
    tensors = [
        {**seen.features, **seen.attributes, "latents": seen.latents, "shown": seen.thumbnails}
        for seen in (one, other)
    ]
    equal = all(
        a is b if a is None or b is None else torch.equal(a, b)
        for a, b in zip(tensors[0].values(), tensors[1].values(), strict=True)
    )
    return equal and [*tensors[0]] == [*tensors[1]] and one.milliseconds == other.milliseconds


def test_batches_are_joined_in_order_and_their_times_added() -> None:
    joined = Observations.join([some(4), some(2, first=4)])
    assert len(joined) == 6
    assert joined.milliseconds == pytest.approx({"prior": 0.6, "a stage": 2.0})
    assert same(Observations.join([some(4)]), some(4))
    assert joined.attributes["hair style/2"].tolist() == [0, 1, 2, 3, 4, 5]


def test_only_the_first_batches_need_thumbnails() -> None:
    seen = some(3)
    without = Observations(seen.features, seen.attributes, seen.latents)
    joined = Observations.join([seen, without]).thumbnails
    assert joined is not None and len(joined) == 3
    assert Observations.join([without]).thumbnails is None


def test_pictures_are_grouped_by_prompt() -> None:
    grouped = some(6).by_prompt(3)
    assert grouped.features["own"].shape == (3, 2, 3)
    assert grouped.attributes["hair style/2"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert grouped.latents is not None and grouped.latents.shape == (3, 2, 1, 1)
    assert grouped.thumbnails is None and not grouped.milliseconds


def test_a_file_holds_all_of_them(tmp_path: Path) -> None:
    some(5).save(tmp_path / "one")
    assert same(Observations.load(tmp_path / "one"), some(5))
    least = Observations({"own": torch.zeros(2, 3)})
    least.save(tmp_path / "two")
    assert same(Observations.load(tmp_path / "two"), least)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "batch"
    with pytest.raises(OSError):
        Observations.load(path)
    safetensors.torch.save_file({"own": torch.zeros(2, 3)}, path)
    with pytest.raises(ValueError, match="not a c2l-observations/1 but None"):
        Observations.load(path)
    some(2).save(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged"):
        Observations.load(path)
