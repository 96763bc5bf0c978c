"""Training: a run is a pure function of its plan, however often it was cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import ToyEmbedder, ToyGenerator, some_prompts

import c2l
from c2l.errors import BadInput, BadWeights, IncompatibleParts, NotWritable, UnknownReference
from c2l.prior import read_prior_card
from c2l.training import Progress, TrainingInterrupted, TrainingReport, train_prior

TESTS = Path(__file__).parents[2]
SMALL = {"hidden": 16, "num_blocks": 1}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> c2l.Pairs:
    torch.set_num_threads(1)
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 200, tmp_path_factory.mktemp("pairs"))


def train(pairs: c2l.Pairs, out: Path, **options: Any) -> TrainingReport:
    return train_prior(
        "flow", pairs, out, **{"settings": SMALL, "steps": 60, "batch_size": 32, **options}
    )


def test_the_file_says_how_it_was_made(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "x.safetensors"
    report = train(pairs, out, prompts=some_prompts(6), **parts())
    card = read_prior_card(out)
    assert card.kind == "flow"
    assert card.settings["hidden"] == 16
    assert card.generator.fingerprint == ToyGenerator().fingerprint()
    assert card.repeats == (5,)
    assert card.training["num_pairs"] == 190
    assert card.training["num_held_out"] == 10
    assert card.training["steps"] == 60
    assert card.scores == report.scores
    assert set(report.scores) == {
        "held_out_loss",
        "held_out_cosine",
        "prompts_cosine",
        "prompts_cosine_random",
    }
    assert [path.name for path in out.parent.iterdir()] == ["x.safetensors"]
    assert c2l.load_prior(str(out)).sample(pairs.embeddings[:2], seeds=[0, 1]).shape[0] == 2


def parts() -> dict[str, Any]:
    return {"generator": ToyGenerator(), "embedder": ToyEmbedder()}


def test_training_brings_the_loss_down(pairs: c2l.Pairs, tmp_path: Path) -> None:
    losses: list[float] = []

    def keep(state: Progress) -> None:
        if state.loss is not None:
            losses.append(state.loss)

    report = train(pairs, tmp_path / "x.safetensors", steps=200, on_progress=keep)
    assert losses[-1] < 0.95 * losses[0]
    barely = train(pairs, tmp_path / "y.safetensors", steps=1)
    assert report.scores["held_out_loss"] < barely.scores["held_out_loss"]


def test_one_seed_one_file(pairs: c2l.Pairs, tmp_path: Path) -> None:
    files = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(len(name))  # the process's own random state has no say
        files.append(train(pairs, tmp_path / f"{name}.safetensors", seed=seed).path.read_bytes())
    assert files[0] == files[1] != files[2]


class Stop(Exception):
    pass


def test_going_on_from_a_checkpoint_gives_the_same_file(pairs: c2l.Pairs, tmp_path: Path) -> None:
    whole = train(pairs, tmp_path / "whole.safetensors").path.read_bytes()
    out = tmp_path / "x.safetensors"

    def crash(state: Progress) -> None:
        if state.step == 40:
            raise Stop

    with pytest.raises(Stop):
        train(pairs, out, checkpoint_seconds=0, on_progress=crash)
    states: list[Progress] = []
    train(pairs, out, on_progress=states.append)
    assert states[0] == Progress(39, 60, None, True)
    assert out.read_bytes() == whole
    assert not out.with_suffix(".checkpoint.safetensors").exists()


def test_ctrl_c_saves_the_step_it_has_ended(pairs: c2l.Pairs, tmp_path: Path) -> None:
    whole = train(pairs, tmp_path / "whole.safetensors").path.read_bytes()
    out = tmp_path / "x.safetensors"

    def press(state: Progress) -> None:
        if state.step == 20:
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match="step 20 of 60 is saved in"):
        train(pairs, out, on_progress=press)
    assert signal.getsignal(signal.SIGINT) is handler
    assert train(pairs, out).path.read_bytes() == whole


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
import c2l

def slowly(state):
    print(state.step, flush=True)
    time.sleep(0.05)

c2l.train_prior("flow", c2l.load_pairs(sys.argv[2]), sys.argv[3], steps=60, batch_size=32,
                settings={"hidden": 16, "num_blocks": 1}, checkpoint_seconds=0, on_progress=slowly)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_kill_9_and_the_same_command_again(pairs: c2l.Pairs, tmp_path: Path) -> None:
    whole = train(pairs, tmp_path / "whole.safetensors").path.read_bytes()
    out = tmp_path / "x.safetensors"
    command = [sys.executable, "-c", SCRIPT, str(TESTS), str(pairs.folder), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 20:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert not out.exists()
    assert out.with_suffix(".checkpoint.safetensors").exists()
    states: list[Progress] = []
    train(pairs, out, on_progress=states.append)
    assert states[0].resumed and states[0].step >= 19
    assert out.read_bytes() == whole


def test_a_checkpoint_of_another_run(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    checkpoint = out.with_suffix(".checkpoint.safetensors")

    def crash(state: Progress) -> None:
        raise Stop

    with pytest.raises(Stop):
        train(pairs, out, on_progress=crash)
    before = checkpoint.read_bytes()
    with pytest.raises(IncompatibleParts, match=r"its steps is 60, not 70; .*its seed is 0, not 3"):
        train(pairs, out, steps=70, seed=3)
    assert checkpoint.read_bytes() == before
    checkpoint.write_bytes(before[:-100])
    with pytest.raises(BadWeights, match=r"checkpoint .* is damaged"):
        train(pairs, out)


def test_half_is_half_the_size_and_close(pairs: c2l.Pairs, tmp_path: Path) -> None:
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    options = {"settings": {"hidden": 64, "num_blocks": 1}, "steps": 20}
    train(pairs, full, **options)
    train(pairs, half, half=True, **options)
    assert half.stat().st_size < 0.55 * full.stat().st_size
    drawn = [
        c2l.load_prior(str(path)).sample(pairs.embeddings[:8], seeds=range(8))
        for path in (full, half)
    ]
    torch.testing.assert_close(*drawn, rtol=0, atol=0.02)


def test_neighbours_train_without_steps(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "n.safetensors"
    report = train_prior("neighbours", pairs, out, settings={"num_nearest": 1}, **parts())
    assert "steps" not in report.training and "held_out_loss" not in report.scores
    # The one nearest to a stored picture is that picture.
    drawn = c2l.load_prior(str(out)).sample(pairs.embeddings[:50], seeds=range(50))
    torch.testing.assert_close(drawn, pairs.latents[:50], rtol=0, atol=1e-3)


def test_what_cannot_be_trained(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(UnknownReference):
        train_prior("flwo", pairs, out)
    with pytest.raises(BadInput, match="no setting 'hiden'") as error:
        train(pairs, out, settings={"hiden": 16})
    assert "hidden" in error.value.hint
    with pytest.raises(BadInput, match="--steps 0"):
        train(pairs, out, steps=0)
    with pytest.raises(BadInput, match="prompts"):
        train(pairs, out, prompts=["shape1"])
    with pytest.raises(IncompatibleParts, match="their generator is toy:generator"):
        train(pairs, out, generator=ToyGenerator(salt=1), embedder=ToyEmbedder())
    assert not list(tmp_path.iterdir())
    out.write_text("")
    with pytest.raises(NotWritable):
        train(pairs, out / "x.safetensors")


def test_a_loss_that_explodes_stops(pairs: c2l.Pairs, tmp_path: Path) -> None:
    broken = c2l.Pairs(pairs.folder, pairs.manifest, pairs.embeddings, pairs.latents.clone())
    broken.latents[5] = torch.inf
    with pytest.raises(BadInput, match="loss is nan"):
        train(broken, tmp_path / "x.safetensors")
