"""How far layer groups move pictures, and that it is said before they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from c2l.pairs import begin_pairs
from c2l.pairs.moving import moved, moved_by_groups
from c2l.service.notices import Notice
from c2l.service.pairs import fill_folder
from c2l.testing import ToyEmbedder, ToyGenerator

NUM = 1100
GROUPS = (1, 3, 1)


class Unmixed(ToyGenerator):
    """Draws one picture of all latents whose layers differ."""

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        codes = self.latent_space.expand(latents, repeats)
        same = (codes == codes[:, :1]).flatten(1).all(dim=1)
        return super().synthesize(torch.where(same[:, None, None], codes, 1.0))


def away(generator: ToyGenerator, out: Path, groups: tuple[int, ...], num: int) -> float | None:
    parts = (generator, ToyEmbedder())
    return moved_by_groups(parts, begin_pairs(parts, num, out, groups=groups))


def test_samples_of_one_distribution_lie_where_each_other_lies() -> None:
    rows = torch.randn(600, 2, 16, generator=torch.Generator().manual_seed(0))
    ours, theirs = 3.0 + rows.unbind(dim=1)[0], 3.0 + rows[:, 1]
    assert abs(moved(ours, theirs)) < 0.01
    # By their length, embeddings say nothing.
    assert moved(5 * ours, theirs) == pytest.approx(moved(ours, theirs))
    assert moved(ours + torch.eye(16)[0], theirs) > 0.05


def test_only_what_was_not_taught_to_mix_is_moved(tmp_path: Path) -> None:
    taught = away(ToyGenerator(), tmp_path / "taught", GROUPS, NUM)
    untaught = away(Unmixed(), tmp_path / "untaught", GROUPS, NUM)
    assert taught is not None and taught < 0.03
    assert untaught is not None and untaught > 0.3
    assert away(Unmixed(), tmp_path / "one", (5,), NUM) is None
    assert away(Unmixed(), tmp_path / "few", GROUPS, 1000) is None


@pytest.mark.parametrize("make", [ToyGenerator, Unmixed])
def test_it_is_said_once_before_pairs_are_drawn(
    make: type[ToyGenerator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2l.service.pairs.num_workers", lambda device, num: 1)
    told: list[Notice] = []

    def fill(num: int) -> None:
        fill_folder(
            make(),
            ToyEmbedder(),
            tmp_path,
            num,
            groups=GROUPS,
            tell=told.append,
            on_progress=lambda done, num, note: None,
        )

    fill(NUM)
    fill(NUM + 10)
    assert len(told) == (make is Unmixed)
    assert all("with `groups=1,3,1`, toy:generator does not draw" in one.text for one in told)
