"""Pairs that do not fit in memory: windows of them, shuffled, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.pairs import reader
from c2l.testing import ToyEmbedder, ToyGenerator
from c2l.training import plan as plans
from c2l.training import train_prior
from c2l.training.batches import Batches
from c2l.training.feed import WindowFeed
from c2l.training.plan import TrainingPlan, make_plan
from c2l.training.priors import new_prior
from c2l.training.run import TrainingRun

SHARD = 16


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> c2l.Pairs:
    """200 pairs in 13 shards, of which 3 fit in memory."""
    torch.set_num_threads(1)
    generator, embedder = ToyGenerator(), ToyEmbedder()
    c2l.build_pairs(generator, embedder, 200, tmp_path / "pairs", shard_size=SHARD)
    size = 2 * embedder.width + 4 * generator.latent_space.width
    for module in (reader, plans):
        monkeypatch.setattr(module, "MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(plans, "MOST_IN_WINDOW", 3 * SHARD * size)
    monkeypatch.setattr(plans, "MOST_IN_SAMPLE", 7 * SHARD * size)
    return c2l.load_pairs(tmp_path / "pairs")


def plan_of(pairs: c2l.Pairs) -> TrainingPlan:
    run = TrainingRun(settings={"hidden": 16, "num_blocks": 1}, batch_size=20, device="cpu")
    prior = new_prior("flow", run.settings, pairs.manifest, 0)
    return make_plan(run, prior, pairs.manifest, None)


@given(
    num=st.integers(1, 60),
    batch=st.integers(1, 30),
    shard=st.integers(1, 9),
    window=st.integers(1, 4),
)
def test_every_pair_comes_once_an_epoch(num: int, batch: int, shard: int, window: int) -> None:
    batches = Batches(num, batch, 3, shard, window)
    seen: list[int] = []
    for step in range(-(-2 * num // batch)):
        for piece in batches.pieces(step):
            shards = batches.shards(piece.epoch, piece.window)
            rows = [s * shard + i for s in shards for i in range(batches.shard_length(s))]
            assert len(shards) <= window and len(rows) > int(piece.rows.max())
            seen += [rows[row] for row in piece.rows.tolist()]
    for epoch in (seen[:num], seen[num : 2 * num]):
        assert sorted(epoch) == list(range(num))


@given(step=st.integers(0, 30), start=st.integers(0, 20), stop=st.integers(0, 20))
def test_a_part_of_a_batch_is_a_part_of_its_rows(step: int, start: int, stop: int) -> None:
    batches = Batches(33, 20, 1, 5, 2)

    def rows(part: slice) -> list[tuple[int, int, int]]:
        return [
            (piece.epoch, piece.window, row)
            for piece in batches.pieces(step, part)
            for row in piece.rows.tolist()
        ]

    assert rows(slice(start, stop)) == rows(slice(None))[start:stop]


def test_windows_give_the_rows_of_their_shards(pairs: c2l.Pairs) -> None:
    plan = plan_of(pairs)
    assert (plan.num_pairs, plan.window, plan.sample) == (190, 3 * SHARD, 7 * SHARD)
    embeddings, latents = pairs.rows(0, 190)
    with WindowFeed(pairs, plan) as feed:
        batches = [feed.batch(step) for step in range(19)]
        assert len(feed._windows) == 2, "one in use, one on its way"
    seen, drew = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert seen.dtype == drew.dtype == torch.float32
    where = (seen[:190, None] == embeddings[None]).all(dim=2).int().argmax(dim=1)
    assert sorted(where.tolist()) == list(range(190)) and where.tolist() != list(range(190))
    assert torch.equal(drew[:190], latents[where])
    with WindowFeed(pairs, plan) as resumed:
        for got, wanted in zip(resumed.batch(13, slice(5, 9)), batches[13], strict=True):
            assert torch.equal(got, wanted[5:9])


def test_rows_are_read_from_their_shards_alone(pairs: c2l.Pairs) -> None:
    whole = pairs.embeddings, pairs.latents
    for index in (0, 3):
        (pairs.folder / f"pairs-{index:05d}.safetensors").unlink()
    again = reader.Pairs(pairs.folder, pairs.manifest)
    for got, wanted in zip(again.rows(17, 47), whole, strict=True):
        assert torch.equal(got, wanted[17:47])
    with pytest.raises(BadWeights, match=r"2 shards are damaged: .*00000.*00003"):
        again.rows(0, 200)
    with pytest.raises(BadWeights, match=r"2 shards of .* missing or damaged: pairs-00000.*00003"):
        c2l.load_pairs(pairs.folder)


def test_training_in_windows_resumes_to_the_same_file(pairs: c2l.Pairs, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def train(name: str, stop_at: int) -> bytes:
        def stop(state: c2l.training.TrainingProgress) -> None:  # type: ignore[name-defined]
            if state.step == stop_at:
                raise Stop

        return train_prior(
            "flow", pairs, tmp_path / name, settings={"hidden": 16, "num_blocks": 1}, steps=60,
            batch_size=32, student=False, checkpoint_seconds=0, on_progress=stop, device="cpu",
        ).path.read_bytes()  # fmt: skip

    whole = train("a.safetensors", -1)
    with pytest.raises(Stop):
        train("b.safetensors", 40)
    assert train("b.safetensors", -1) == whole
    assert "_tensors" not in vars(pairs), "they were never read whole"


def test_a_shard_that_cannot_be_trained_on_is_named(pairs: c2l.Pairs) -> None:
    plan = plan_of(pairs)
    path = Path(str(pairs.folder)) / "pairs-00002.safetensors"
    tensors = safetensors.torch.load_file(path)
    with path.open("r+b") as file:
        file.seek(-3, 2)
        file.write(b"abc")
    with WindowFeed(pairs, plan) as feed, pytest.raises(BadWeights, match="pairs-00002"):
        for step in range(10):
            feed.batch(step)
    tensors["latents"][5] = torch.inf
    bad = reader.Pairs(pairs.folder, pairs.manifest)
    vars(bad)["shard"] = lambda index: (tensors["embeddings"], tensors["latents"])
    with (
        WindowFeed(bad, plan) as feed,
        pytest.raises(BadInput, match=r"latents of shard pairs-0.* first in row 5"),
    ):
        feed.batch(0)
