"""Pairs, training and reports in an S3 that fails: nothing half-written is ever read."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from faulty_store import BUCKET, KEYS, FaultyStore, at_random, faulty_store, no_faults

import c2l
from c2l.cli.app import main
from c2l.errors import BadInput, BadWeights, C2LError, ExitCode, StoreRefused, StoreUnreachable
from c2l.evaluation import Evaluation
from c2l.places import RemotePath, asking, place_of
from c2l.prior_file import read_prior_card
from c2l.testing import ToyEmbedder, ToyGenerator, some_prompts, toy_pipeline
from c2l.training import TrainingInterrupted, TrainingProgress, train_prior

s3fs = pytest.importorskip("s3fs")
pytest.importorskip("moto")

Capture = pytest.CaptureFixture[str]

SMALL: dict[str, Any] = {
    "settings": {"hidden": 16, "num_blocks": 1},
    "steps": 40,
    "batch_size": 32,
    "student": False,
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyStore]:
    with faulty_store() as (app, address), pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": address}.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir(BUCKET)
        yield app
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def store(server: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyStore]:
    monkeypatch.setattr(asking, "WAITS", (0.001,) * 30)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)  # what c2l does is tested
    server.seen.clear()
    yield server
    server.choose = no_faults


@pytest.fixture
def folder(store: FaultyStore, request: pytest.FixtureRequest) -> RemotePath:
    place = place_of(f"s3://{BUCKET}/{request.node.name}")
    assert isinstance(place, RemotePath)
    return place


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as is made in the store, made on this machine."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("local")
    make_all(folder)
    return folder


def make_all(folder: Path | RemotePath) -> None:
    pairs = c2l.build_pairs(
        ToyGenerator(), ToyEmbedder(), 100, str(folder / "pairs"), shard_size=25
    )
    train_prior("flow", pairs, str(folder / "prior.safetensors"), **SMALL)
    evaluate(folder)


def make_pairs(folder: Path | RemotePath) -> c2l.Pairs:
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 100, str(folder), shard_size=25)


def evaluate(
    folder: Path | RemotePath, on_progress: Callable[[int, int, str], None] | None = None
) -> Evaluation:
    prompts = list(dict.fromkeys(some_prompts(6)))[:4]
    return c2l.evaluate(
        toy_pipeline(),
        prompts,
        num_images=2,
        num_reference=16,
        out=str(folder / "report"),
        on_progress=on_progress,
    )


def contents(folder: Path | RemotePath, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


def test_an_object_comes_back_as_it_was_put(folder: RemotePath) -> None:
    place = folder / "deep" / "x.bin"
    assert not place.exists() and not place.parent.is_dir()
    with pytest.raises(FileNotFoundError):
        place.read_bytes()
    place.write_bytes(b"0123456789")
    assert place.is_file() and place.parent.is_dir()
    assert place.read_bytes() == b"0123456789"
    assert place.read_range(2, 5) == b"234"
    assert place.stat().st_size == 10 and place.stat().st_mtime > 0
    place.unlink()
    place.unlink(missing_ok=True)
    assert not place.exists()


def test_of_two_who_create_an_object_one_does(folder: RemotePath) -> None:
    assert (folder / "plan").create(b"mine")
    assert not (folder / "plan").create(b"yours")
    assert (folder / "plan").read_bytes() == b"mine"


@pytest.mark.parametrize("fault", ["cut_off", "short"])
def test_half_an_object_is_no_object(
    store: FaultyStore, folder: RemotePath, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, data = folder / "x", bytes(range(256)) * 40
    place.write_bytes(data)
    answers = iter([fault, fault])
    store.choose = lambda method, path: next(answers, "") if method == "GET" else ""
    assert place.read_bytes() == data
    assert store.seen[fault] == 2
    monkeypatch.setattr(asking, "WAITS", (0.001,) * 2)
    store.choose = lambda method, path: fault if method == "GET" else ""
    with pytest.raises(StoreUnreachable, match=f"cannot read s3://{BUCKET}/.*x: "):
        place.read_bytes()


def test_all_is_as_on_this_machine_however_the_store_fails(
    store: FaultyStore, folder: RemotePath, local: Path
) -> None:
    store.choose = at_random(seed=1, share=0.25)
    make_all(folder)
    report = evaluate(folder)  # that is there, and is read
    store.choose = no_faults
    assert all(store.seen[f] for f in ("error", "late_error", "busy", "slow", "cut_off", "short"))
    for part, pattern in (("pairs", "*"), (".", "prior.safetensors"), ("report/pictures", "*")):
        assert contents(folder / part, pattern) == contents(local / part, pattern)
    there = Evaluation.load(local / "report")
    assert [v.scores for v in report.variants] == [v.scores for v in there.variants]
    names = {entry.name for entry in (folder / "report").scan()}
    assert names == {"pictures", "report.html", "results.jsonl", "summary.json"}


def test_the_log_is_whole_and_the_checkpoint_gone(
    store: FaultyStore, folder: RemotePath, local: Path
) -> None:
    pairs = c2l.load_pairs(local / "pairs")
    store.choose = at_random(seed=2, share=0.2)
    train_prior("flow", pairs, str(folder / "p.safetensors"), **SMALL)
    rows = [json.loads(line) for line in (folder / "p.log.jsonl").read_text().splitlines()]
    assert "plan" in rows[0] and "scores" in rows[-1]
    assert [row["step"] for row in rows if "step" in row] == [0, 20, 40]
    assert not (folder / "p.checkpoint.safetensors").exists()


def test_what_is_interrupted_goes_on_from_the_store(
    store: FaultyStore, folder: RemotePath, local: Path
) -> None:
    def interrupt_training(progress: TrainingProgress) -> None:
        if progress.step == 20:
            signal.raise_signal(signal.SIGINT)

    def interrupt_evaluation(done: int, num: int, note: str) -> None:
        if done > 8:
            raise KeyboardInterrupt

    pairs, out = c2l.load_pairs(local / "pairs"), str(folder / "prior.safetensors")
    store.choose = at_random(seed=4, share=0.2)
    with pytest.raises(TrainingInterrupted, match=f"saved in {folder}/prior.checkpoint"):
        train_prior("flow", pairs, out, on_progress=interrupt_training, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        evaluate(folder, interrupt_evaluation)
    steps: list[int] = []
    train_prior("flow", pairs, out, on_progress=lambda p: steps.append(p.step), **SMALL)
    assert steps == [20, 40]
    assert contents(folder, "prior.safetensors") == contents(local, "prior.safetensors")
    assert [p.name for p in (folder / "report").iterdir()] == ["parts"]
    evaluate(folder)
    assert contents(folder / "report", "*.jsonl") == contents(local / "report", "*.jsonl")


def test_keys_that_expire_leave_what_is_finished(
    store: FaultyStore, folder: RemotePath, local: Path
) -> None:
    store.choose = lambda method, path: (
        "expired" if method == "PUT" and "pairs-00002" in path else ""
    )
    with pytest.raises(StoreRefused) as caught:
        make_pairs(folder)
    error = caught.value
    assert error.exit_code == ExitCode.REFUSED
    assert f"{folder}/pairs-00002.safetensors: The provided token has expired" in error.message
    assert "Finished work is kept" in error.hint and "sign in again" in error.hint
    assert store.seen["expired"] == 1  # it is not asked again
    before = {n: place.stat() for n in contents(folder, "*.json") if (place := folder / n)}
    assert len(before) == 3
    store.choose = no_faults
    made = make_pairs(folder)
    assert contents(folder, "*.safetensors") == contents(local / "pairs", "*.safetensors")
    assert (folder / "pairs-00001.json").stat() == before["pairs-00001.json"]
    assert torch.equal(made.latents, c2l.load_pairs(local / "pairs").latents)


def test_a_shard_that_was_damaged_is_not_read(folder: RemotePath) -> None:
    c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 20, str(folder), shard_size=10)
    shard = folder / "pairs-00001.safetensors"
    data = shard.read_bytes()
    shard.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BadWeights, match=r"pairs-00001\.safetensors is damaged"):
        c2l.load_pairs(str(folder))


def test_a_prior_is_drawn_from_where_it_lies(
    store: FaultyStore, folder: RemotePath, local: Path
) -> None:
    place = folder / "faces.safetensors"
    place.write_bytes((local / "prior.safetensors").read_bytes())
    store.choose = at_random(seed=3, share=0.2)
    prior = c2l.load_prior(str(place))
    assert prior.reference == f"flow:{place}"
    here = c2l.load_prior(local / "prior.safetensors")
    assert prior.fingerprint() == here.fingerprint()
    store.choose = no_faults
    store.seen.clear()
    assert read_prior_card(place) == here.card
    place.write_bytes(place.read_bytes()[:-100])
    with pytest.raises(BadWeights, match=f"{place} is not a readable safetensors file"):
        c2l.load_prior(str(place))


def test_what_a_store_refuses_is_one_line(
    store: FaultyStore, folder: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreRefused, match=r"s3://nowhere/.*: there is no such bucket"):
        c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 20, "s3://nowhere/pairs")
    with pytest.raises(BadInput, match=f"{folder}/none holds no pairs"):
        c2l.load_pairs(f"{folder}/none")
    store.choose = lambda method, path: "denied"
    with pytest.raises(StoreRefused, match="Check that you may read there"):
        c2l.load_pairs(str(folder))
    monkeypatch.setattr(asking, "WAITS", (0.001,) * 2)
    store.choose = lambda method, path: "error"
    with pytest.raises(StoreUnreachable) as caught:
        c2l.load_pairs(str(folder))
    assert caught.value.exit_code == ExitCode.OFFLINE


def test_no_line_holds_a_key(store: FaultyStore, folder: RemotePath, tmp_path: Path) -> None:
    secret = KEYS["AWS_SECRET_ACCESS_KEY"]
    for address in (f"s3://AKIA0:{secret}@{BUCKET}/x", f"s3://{BUCKET}/x?token={secret}"):
        for call in (c2l.load_pairs, c2l.load_prior, place_of):
            with pytest.raises(C2LError) as caught:
                call(address)
            assert secret not in str(caught.value) and "AKIA0" not in str(caught.value)
    make_all(folder)
    for place in (folder / "pairs", folder, folder / "report"):
        for data in contents(place, "*.*").values():
            assert secret.encode() not in data
            assert KEYS["AWS_ACCESS_KEY_ID"].encode() not in data


def test_the_command_line_reads_and_writes_addresses(
    folder: RemotePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)

    def c2l_says(*words: str) -> tuple[int, str]:
        code = main(words)
        return code, "".join(capsys.readouterr())

    demo = ("-g", "stylegan:demo-faces", "-e", "openclip:demo")
    code, text = c2l_says("pairs", *demo, "--num", "2", "--out", f"{folder}/few")
    assert code == 0, text
    assert f"c2l train --pairs {folder}/few" in text
    make_pairs(folder / "pairs")
    code, text = c2l_says("pairs", "status", f"{folder}/pairs")
    assert code == 0 and "100 of 100" in text
    code, text = c2l_says("pairs", "verify", f"{folder}/pairs")
    assert code == 0 and "0 of 4 shards are damaged" in text
    out = f"{folder}/ridge.safetensors"
    code, text = c2l_says(
        "train", "--pairs", f"{folder}/pairs", "-p", "ridge", "--no-student", "--out", out
    )
    assert code == 0, text
    code, text = c2l_says("info", out)
    assert code == 0 and 'prior = "ridge"' in text
    code, text = c2l_says("sample", "a man", "--out", f"{folder}/pictures")
    assert code == ExitCode.USAGE and "--out is a path of this machine" in text
    assert not (tmp_path / "s3:").exists()
