"""Pairs on disk: the same bytes however they came about, and nothing overwritten by mistake."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

import c2l
from c2l.errors import (
    BadInput,
    BadWeights,
    ExitCode,
    IncompatibleParts,
    NotWritable,
    PluginFailed,
)
from c2l.pairs import PairsInterrupted, build_pairs, load_pairs, read_manifest
from c2l.pairs.folder import unfinished
from c2l.testing import ToyEmbedder, ToyGenerator, toy_pairs
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH


def build(out: Path, num: int = 50, **kwargs: int) -> c2l.Pairs:
    options = {"shard_size": 20, "batch_size": 8, **kwargs}
    return build_pairs(ToyGenerator(), ToyEmbedder(), num, out, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def done_in(folder: Path) -> list[int]:
    """The shards that have a record."""
    return [int(path.stem.removeprefix("pairs-")) for path in sorted(folder.glob("pairs-*.json"))]


def test_pairs_are_what_the_parts_give(tmp_path: Path) -> None:
    pairs = build(tmp_path / "p", first_seed=7)
    embeddings, latents = toy_pairs(50, first_seed=7)
    assert len(pairs) == 50
    assert torch.equal(pairs.latents, latents)
    torch.testing.assert_close(pairs.embeddings, embeddings, rtol=1e-3, atol=1e-3)
    assert pairs.embeddings.dtype == pairs.latents.dtype == torch.float32
    manifest = pairs.manifest
    assert manifest.generator.fingerprint == ToyGenerator().fingerprint()
    assert manifest.embedder.settings == {"size": 8}
    assert (manifest.repeats, manifest.latent_width) == ((5,), WIDTH)
    assert [shard.num for shard in manifest.shards] == [20, 20, 10]


def test_a_shard_names_its_seeds(tmp_path: Path) -> None:
    build(tmp_path, first_seed=100)
    shard = safetensors.torch.load_file(tmp_path / "pairs-00001.safetensors")
    assert shard["seeds"].tolist() == list(range(120, 140))
    assert shard["seeds"].dtype == torch.int64
    assert shard["embeddings"].shape == (20, EMBEDDING_WIDTH)


def test_progress_counts_every_pair(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build_pairs(
        ToyGenerator(),
        ToyEmbedder(),
        50,
        tmp_path,
        shard_size=20,
        batch_size=8,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == [0, 8, 16, 20, 28, 36, 40, 48, 50]
    assert {total for _, total in seen} == {50}


class StopAfter(ToyEmbedder):
    """Presses Ctrl-C in the middle of a shard."""

    calls = 0

    def embed_images(self, images: Tensor) -> Tensor:
        self.calls += len(images) == 8  # not those of the trial that comes first
        if self.calls == 5:
            raise KeyboardInterrupt
        return super().embed_images(images)


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    whole = contents_of_uninterrupted(tmp_path / "whole")
    stopping = StopAfter()
    # The class's name is part of a fingerprint; this one stands for the embedder itself.
    stopping.__class__.__name__ = "ToyEmbedder"
    stopping.__class__.__module__ = ToyEmbedder.__module__
    with pytest.raises(PairsInterrupted) as stop:
        build_pairs(ToyGenerator(), stopping, 50, tmp_path / "p", shard_size=20, batch_size=8)
    assert (stop.value.num_done, stop.value.num) == (20, 50)
    with pytest.raises(BadInput, match="20 of 50") as unfinished:
        load_pairs(tmp_path / "p")
    assert (
        '`c2l pairs generator="toy:generator" embedder="toy:embedder" num=50 out='
        in unfinished.value.hint
    )
    build(tmp_path / "p")
    assert contents(tmp_path / "p") == whole


def contents_of_uninterrupted(folder: Path, num: int = 50) -> dict[str, bytes]:
    build(folder, num)
    return contents(folder)


SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from c2l.pairs import build_pairs
from c2l.testing import toy_parts

def report(done, total):
    if done >= 28:  # in the middle of the second shard: wait there to be killed
        print(done, flush=True)
        sys.stdin.read()

build_pairs(*toy_parts(), 50, Path(sys.argv[1]), shard_size=20, batch_size=8,
            on_progress=report)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_kill_9_and_the_same_command_again(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = contents_of_uninterrupted(tmp_path / "whole")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "p")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= 28
        process.send_signal(signal.SIGKILL)
    left = read_manifest(tmp_path / "p")
    # The first shard may still be on its way to the disk while the second is drawn.
    assert not left.complete and done_in(tmp_path / "p") in ([], [0])
    # What a writer that was killed inside a write leaves behind.
    (tmp_path / "p" / ".pairs-00001.safetensors.99999.partial").write_bytes(b"half")
    build(tmp_path / "p")
    assert contents(tmp_path / "p") == whole


def test_a_shard_whose_record_was_never_written_is_made_again(tmp_path: Path) -> None:
    whole = contents_of_uninterrupted(tmp_path)
    (tmp_path / "pairs-00001.json").unlink()
    (tmp_path / "pairs-00001.safetensors").write_bytes(b"half of it")
    build(tmp_path)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("num_left", [3, 1])
def test_a_folder_of_version_1_whose_manifest_was_its_only_list(
    tmp_path: Path, num_left: int
) -> None:
    whole = contents_of_uninterrupted(tmp_path)
    manifest = json.loads(whole["manifest.json"])
    for index, shard in enumerate(manifest["shards"]):
        del shard["size"], shard["made_on"]
        (tmp_path / f"pairs-{index:05d}.json").unlink()
    manifest = {**manifest, "schema": "c2l-pairs/1", "shards": manifest["shards"][:num_left]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    kept = (tmp_path / "pairs-00000.safetensors").stat().st_mtime_ns
    pairs = build(tmp_path)
    assert (tmp_path / "pairs-00000.safetensors").stat().st_mtime_ns == kept
    assert torch.equal(pairs.latents, toy_pairs(50)[1])
    assert torch.equal(load_pairs(tmp_path).latents, pairs.latents)
    assert len(build(tmp_path, 70)) == 70


def test_more_pairs_later_are_the_same_as_all_at_once(tmp_path: Path) -> None:
    build(tmp_path / "grown", 30)
    build(tmp_path / "grown", 50)
    assert contents(tmp_path / "grown") == contents_of_uninterrupted(tmp_path / "whole")


def test_a_last_short_batch_gives_the_same_rows(tmp_path: Path) -> None:
    short, long = build(tmp_path / "short", 13), build(tmp_path / "long", 50)
    assert torch.equal(short.embeddings, long.embeddings[:13])
    assert torch.equal(short.latents, long.latents[:13])


def test_fewer_pairs_leave_a_finished_folder_alone(tmp_path: Path) -> None:
    whole = contents_of_uninterrupted(tmp_path)
    assert len(build(tmp_path, 10)) == 50
    assert contents(tmp_path) == whole


def test_a_lost_shard_is_made_again(tmp_path: Path) -> None:
    whole = contents_of_uninterrupted(tmp_path)
    (tmp_path / "pairs-00000.safetensors").unlink()
    with pytest.raises(BadWeights, match="pairs-00000"):
        load_pairs(tmp_path)
    build(tmp_path)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_shard_is_named(tmp_path: Path, damage: str) -> None:
    build(tmp_path)
    shard = tmp_path / "pairs-00001.safetensors"
    data = bytearray(shard.read_bytes())
    if damage == "truncated":
        del data[len(data) // 2 :]
    else:
        data[-1] ^= 1
    shard.write_bytes(data)
    reads = [lambda: load_pairs(tmp_path), lambda: build(tmp_path).latents]
    if damage == "truncated":  # seen without reading all of it
        reads.append(lambda: build(tmp_path))
    for read in reads:
        with pytest.raises(BadWeights, match=r"pairs-00001\.safetensors is damaged") as error:
            read()
        assert "Remove it" in error.value.hint
    assert shard.read_bytes() == data


def test_a_shard_of_another_shape_is_named(tmp_path: Path) -> None:
    build(tmp_path)
    path, manifest = tmp_path / "pairs-00001.safetensors", tmp_path / "manifest.json"
    tensors = safetensors.torch.load_file(path)
    tensors["embeddings"] = tensors["embeddings"][:, :7].contiguous()
    del tensors["latents"]
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    safetensors.torch.save_file(tensors, path)
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text().replace(before, after))
    with pytest.raises(
        BadWeights, match=r"latents and embeddings of .*pairs-00001.* do not have the s"
    ):
        load_pairs(tmp_path)


def test_all_damaged_shards_are_named_at_once(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "pairs-00000.safetensors").write_bytes(b"")
    (tmp_path / "pairs-00002.safetensors").unlink()
    with pytest.raises(BadWeights, match=r"2 shards are damaged: .*pairs-00000.*pairs-00002"):
        load_pairs(tmp_path)


def test_shards_of_two_folders_mixed(tmp_path: Path) -> None:
    build(tmp_path / "p")
    other = ToyEmbedder(gap=2.0)
    build_pairs(ToyGenerator(salt=1), other, 50, tmp_path / "q", shard_size=20, batch_size=8)
    shard = "pairs-00001.safetensors"
    (tmp_path / "p" / shard).write_bytes((tmp_path / "q" / shard).read_bytes())
    with pytest.raises(BadWeights) as error:
        load_pairs(tmp_path / "p")
    assert "was made with the generator toy:generator" in error.value.message
    assert "and the embedder toy:embedder" in error.value.message


def test_another_preprocessing_is_spelled_out(tmp_path: Path) -> None:
    class Resized(ToyEmbedder):
        def settings(self) -> dict[str, object]:
            return {"size": 16}

    build(tmp_path)
    with pytest.raises(IncompatibleParts, match=r"toy:embedder with other settings \(size 8, not"):
        build_pairs(ToyGenerator(), Resized(), 50, tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"generator": ToyGenerator(salt=1)},
            "their generator is toy:generator with other weights",
        ),
        ({"embedder": ToyEmbedder(gap=2.0)}, "their embedder is toy:embedder with other weights"),
        ({"first_seed": 1}, "first seed is 0, not 1"),
        ({"shard_size": 10}, "shards hold 20 pairs, not 10"),
        ({"batch_size": 4}, "batches hold 8 pictures, not 4"),
    ],
)
def test_other_pairs_are_never_overwritten(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    whole = contents_of_uninterrupted(tmp_path)
    arguments = {"generator": ToyGenerator(), "embedder": ToyEmbedder(), "num": 50, "out": tmp_path}
    with pytest.raises(IncompatibleParts, match=says) as error:
        build_pairs(**{**arguments, **change})  # type: ignore[arg-type]
    assert error.value.exit_code == ExitCode.INCOMPATIBLE
    assert contents(tmp_path) == whole


def test_nan_is_refused_with_its_seed(tmp_path: Path) -> None:
    class Broken(ToyEmbedder):
        def embed_images(self, images: Tensor) -> Tensor:
            embeddings = super().embed_images(images)
            embeddings[3:, 0] = torch.nan if len(images) == 8 else 0.0  # after the trial
            return embeddings

    with pytest.raises(PluginFailed, match=r"Broken.* embed_images gives NaN .* seed 3"):
        build_pairs(ToyGenerator(), Broken(), 50, tmp_path, batch_size=8)


def test_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no pairs"):
        load_pairs(tmp_path / "nowhere")
    (tmp_path / "manifest.json").write_text('{"schema": "other"}')
    with pytest.raises(BadWeights, match="not a manifest"):
        build(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritable):
        build(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    "wrong", [{"num": 0}, {"first_seed": -1}, {"shard_size": 0}, {"workers": 0}]
)
def test_numbers_that_cannot_be_used(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        build(tmp_path / "p", **wrong)
    assert not (tmp_path / "p").exists()


def test_the_command_is_quick_to_find_nothing_to_do(tmp_path: Path) -> None:
    build(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    time.sleep(0.01)
    build(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_how_to_finish_pairs_of_parts_that_no_command_can_name(tmp_path: Path) -> None:
    manifest = read_manifest(build(tmp_path / "p", num=4).folder)
    for reference in ("", "wrapped:mine.Net"):
        part = dataclasses.replace(manifest.generator, reference=reference)
        plan = dataclasses.replace(manifest, num=9, generator=part)
        hint = unfinished(plan, tmp_path / "p").hint
        assert "call `c2l.build_pairs` again" in hint
        assert "c2l pairs" not in hint
