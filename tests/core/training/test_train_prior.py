"""Training: a run is a pure function of its plan, however often it was cut off."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import c2l
from c2l.errors import BadInput, BadWeights, IncompatibleParts, NotWritable, UnknownReference
from c2l.prior_file import read_prior_card
from c2l.testing import ToyEmbedder, ToyGenerator, some_prompts
from c2l.training import (
    TrainingInterrupted,
    TrainingProgress,
    TrainingReport,
    TrainingRun,
    stages,
    train_prior,
)
from c2l_priors.flow import FlowPrior
from c2l_priors.onestep import OneStepPrior

TESTS = Path(__file__).parents[2]
SMALL = {"hidden": 16, "num_blocks": 1}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> c2l.Pairs:
    torch.set_num_threads(1)
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 200, tmp_path_factory.mktemp("pairs"))


def train(pairs: c2l.Pairs, out: Path, **options: Any) -> TrainingReport:
    return train_prior(
        "flow",
        pairs,
        out,
        **{"settings": SMALL, "steps": 60, "batch_size": 32, "student": False, **options},
    )


def test_the_file_says_how_it_was_made(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "x.safetensors"
    prompts = toy_domain(tmp_path)
    report = train(pairs, out, domain=prompts, student=True, **parts())
    card = read_prior_card(out)
    assert card.kind == "flow"
    assert card.settings["hidden"] == 16
    assert card.generator.fingerprint == ToyGenerator().fingerprint()
    assert card.repeats == (5,)
    assert card.training["num_pairs"] == 190
    assert card.training["num_held_out"] == 10
    assert card.training["steps"] == card.training["steps_done"] == 60
    assert card.training["best_step"] in (20, 40, 60)
    assert card.scores == report.scores
    assert set(report.scores) == {
        "held_out_loss",
        "held_out_cosine",
        "held_out_cosine_random",
        "prompts_cosine",
        "prompts_cosine_random",
        "prompts_cosine_neighbours",
        "student_cosine",
        "student_rank_correlation",
    }
    assert card.domain["name"] == "toys.txt" and card.domain["num_prompts"] > 20
    assert -1 < card.domain["threshold"] < 1
    names = sorted(path.name for path in out.parent.iterdir())
    assert names == ["x.log.jsonl", "x.progress", "x.safetensors"]
    strips = sorted(path.name for path in (out.parent / "x.progress").iterdir())
    assert strips == ["step-000020.png", "step-000040.png", "step-000060.png"]
    prior = c2l.load_prior(str(out))
    assert prior.sample(pairs.embeddings[:2], seeds=[0, 1]).shape[0] == 2
    assert prior.student is not None and prior.student(pairs.latents[:3]).shape == (3, 48)


def toy_domain(folder: Path) -> str:
    path = folder / "toys.txt"
    path.write_text("\n".join(dict.fromkeys(some_prompts(40))), encoding="utf-8")
    return str(path)


def parts() -> dict[str, Any]:
    return {"generator": ToyGenerator(), "embedder": ToyEmbedder()}


def test_training_brings_the_loss_down(pairs: c2l.Pairs, tmp_path: Path) -> None:
    losses: list[float] = []

    def keep(state: TrainingProgress) -> None:
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

    def crash(state: TrainingProgress) -> None:
        if state.step == 40:
            raise Stop

    with pytest.raises(Stop):
        train(pairs, out, checkpoint_seconds=0, on_progress=crash)
    states: list[TrainingProgress] = []
    train(pairs, out, on_progress=states.append)
    assert states[0] == TrainingProgress(39, 60, None, True)
    assert out.read_bytes() == whole
    assert not out.with_suffix(".checkpoint.safetensors").exists()


def test_ctrl_c_saves_the_step_it_has_ended(pairs: c2l.Pairs, tmp_path: Path) -> None:
    whole = train(pairs, tmp_path / "whole.safetensors").path.read_bytes()
    out = tmp_path / "x.safetensors"

    def press(state: TrainingProgress) -> None:
        if state.step == 20:
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match="step 20 of 60 is saved in"):
        train(pairs, out, on_progress=press)
    assert signal.getsignal(signal.SIGINT) is handler
    assert train(pairs, out).path.read_bytes() == whole


SCRIPT = """
import sys
from collections.abc import Sequence
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from torch import Tensor
torch.set_num_threads(1)
import c2l

def report(state):
    if state.step >= 20:  # wait there to be killed
        print(state.step, flush=True)
        sys.stdin.read()

c2l.train_prior("flow", c2l.load_pairs(sys.argv[2]), sys.argv[3], steps=60, batch_size=32,
                settings={"hidden": 16, "num_blocks": 1}, student=False, checkpoint_seconds=0,
                on_progress=report)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_kill_9_and_the_same_command_again(pairs: c2l.Pairs, tmp_path: Path) -> None:
    whole = train(pairs, tmp_path / "whole.safetensors").path.read_bytes()
    out = tmp_path / "x.safetensors"
    command = [sys.executable, "-c", SCRIPT, str(TESTS), str(pairs.folder), str(out)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= 20
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    assert out.with_suffix(".checkpoint.safetensors").exists()
    states: list[TrainingProgress] = []
    train(pairs, out, on_progress=states.append)
    assert states[0].resumed and states[0].step >= 19
    assert out.read_bytes() == whole


def test_a_run_that_is_cut_after_its_last_step_trains_no_more(
    pairs: c2l.Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(pairs, tmp_path / "whole.safetensors", student=True).path.read_bytes()
    out = tmp_path / "x.safetensors"

    def crash(*args: Any, **options: Any) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr("c2l.training.stages.train_student", crash)
        with pytest.raises(Stop):
            train(pairs, out, student=True)
    states: list[TrainingProgress] = []
    train(pairs, out, student=True, on_progress=states.append)
    assert [state.step for state in states] == [60]
    assert out.read_bytes() == whole


def test_what_needs_trained_weights_is_learnt_last(
    pairs: c2l.Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again, from the same weights, if it was cut."""
    run = {"prior": "onestep", "settings": SMALL, "steps": 40, "student": False}
    whole = train_prior(TrainingRun(**run), pairs, tmp_path / "whole.safetensors").path
    onestep = c2l.load_prior(str(whole))
    assert bool(onestep.get_buffer("distilled"))
    assert not torch.equal(
        onestep.get_parameter("jump_enter.weight"), onestep.get_parameter("enter.weight")
    )

    def crash(self: OneStepPrior, embeddings: torch.Tensor, rng: torch.Generator) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(OneStepPrior, "refine", crash)
        with pytest.raises(Stop):
            train_prior(TrainingRun(**run), pairs, tmp_path / "x.safetensors")
    again = train_prior(TrainingRun(**run), pairs, tmp_path / "x.safetensors").path
    assert again.read_bytes() == whole.read_bytes()


def test_it_is_learnt_once_the_bridge_is_chosen(
    pairs: c2l.Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(stages, "choose_settings", lambda *_: done.append("chosen"))
    monkeypatch.setattr(OneStepPrior, "refine", lambda *_: done.append("refined"))
    run = TrainingRun(prior="onestep", settings=SMALL, steps=1, student=False)
    train_prior(run, pairs, tmp_path / "x.safetensors")
    assert done == ["chosen", "refined"]


def test_a_checkpoint_of_another_run(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    checkpoint = out.with_suffix(".checkpoint.safetensors")

    def crash(state: TrainingProgress) -> None:
        if state.step == 40:  # the state of step 39 is on disk
            raise Stop

    with pytest.raises(Stop):
        train(pairs, out, on_progress=crash, checkpoint_seconds=0)
    before = checkpoint.read_bytes()
    with pytest.raises(IncompatibleParts, match=r"its steps is 60, not 70; .*its seed is 0, not 3"):
        train(pairs, out, steps=70, seed=3)
    assert checkpoint.read_bytes() == before
    checkpoint.write_bytes(before[:-100])
    with pytest.raises(BadWeights, match=r"checkpoint .* is damaged"):
        train(pairs, out)


def test_a_run_that_never_began_is_in_nobodys_way(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"

    def crash(state: TrainingProgress) -> None:
        raise Stop

    with pytest.raises(Stop):
        train(pairs, out, on_progress=crash)
    assert out.with_suffix(".checkpoint.safetensors").exists()
    assert train(pairs, out, steps=3, seed=4).training["steps_done"] == 3


def test_layer_groups_are_trained_and_judged(tmp_path: Path) -> None:
    """The toy refuses codes and repeats that do not belong together, as real generators do."""
    live, groups = parts(), (2, 1, 2)
    grouped = c2l.build_pairs(*live.values(), 60, tmp_path / "p", groups=groups)
    out = tmp_path / "x.safetensors"
    report = train(grouped, out, steps=20, **live)
    assert "prompts_cosine_random" in report.scores
    prior = c2l.load_prior(str(out))
    assert prior.repeats == groups
    drawn = prior.sample(grouped.embeddings[:2], seeds=[0, 1])
    assert drawn.shape == (2, *grouped.latents.shape[1:])


def test_half_is_half_the_size_and_close(pairs: c2l.Pairs, tmp_path: Path) -> None:
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    options = {"settings": {"hidden": 256}, "steps": 3}  # the stored pictures are half anyway
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
    asked = pairs.embeddings[:50]
    drawn = c2l.load_prior(str(out)).sample(asked, seeds=range(50), modality="image")
    torch.testing.assert_close(drawn, pairs.latents[:50], rtol=0, atol=1e-3)


def test_what_cannot_be_trained(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(UnknownReference):
        train_prior("flwo", pairs, out)
    with pytest.raises(BadInput, match="no setting 'hiden'") as error:
        train(pairs, out, settings={"hiden": 16})
    assert "hidden" in error.value.hint
    with pytest.raises(
        BadInput, match=r"noise=True is not a number; hidden=many is not a whole number"
    ):
        train(pairs, out, settings={"hidden": "many", "noise": True, "drop": 0, "gap": "none"})
    with pytest.raises(BadInput, match="flow:demo-faces is one trained prior"):
        train_prior("flow:demo-faces", pairs, out)
    with pytest.raises(BadInput, match="`steps=0`"):
        train(pairs, out, steps=0)
    with pytest.raises(BadInput, match=r"unknown key 'stesp' \(did you mean 'steps'\?\)"):
        train(pairs, out, stesp=0)
    with pytest.raises(BadInput, match="need the embedder"):
        train(pairs, out, domain="faces")
    with pytest.raises(IncompatibleParts, match="their generator is toy:generator with other w"):
        train(pairs, out, generator=ToyGenerator(salt=1), embedder=ToyEmbedder())
    assert not list(tmp_path.iterdir())
    out.write_text("")
    with pytest.raises(NotWritable):
        train(pairs, out / "x.safetensors")


def test_all_that_is_wrong_is_said_at_once(pairs: c2l.Pairs, tmp_path: Path) -> None:
    with pytest.raises(UnknownReference) as caught:
        train_prior("flwo", pairs, tmp_path / "x", device="cuda:99", domain="facez")
    assert all(word in caught.value.message for word in ("flwo", "cuda:99", "facez"))
    with pytest.raises(BadInput) as caught_here:
        train(pairs, tmp_path / "x", steps=-1, batch_size="many", learning_rate=2)
    assert all(
        w in caught_here.value.message
        for w in ("`steps=-1`", "`batch_size=many`", "`learning_rate=2`")
    )


def changed(pairs: c2l.Pairs, **changes: Any) -> c2l.Pairs:
    tensors = {"embeddings": pairs.embeddings, "latents": pairs.latents, **changes}
    manifest = dataclasses.replace(pairs.manifest, num=len(tensors["latents"]))
    other = c2l.Pairs(pairs.folder, manifest)
    vars(other)["_tensors"] = tensors["embeddings"], tensors["latents"]  # as if read
    return other


def test_pairs_that_cannot_be_trained_on(pairs: c2l.Pairs, tmp_path: Path) -> None:
    broken = pairs.latents.clone()
    broken[5], broken[9] = torch.inf, torch.nan
    with pytest.raises(BadInput, match=r"latents of .* in 2 rows, first in row 5"):
        train(changed(pairs, latents=broken), tmp_path / "x")
    with pytest.raises(BadInput, match=r"no file gone\.txt; the latents of .* hold NaN"):
        train(changed(pairs, latents=broken), tmp_path / "x", domain="gone.txt")
    few = {"embeddings": pairs.embeddings[:9], "latents": pairs.latents[:9]}
    with pytest.raises(BadInput, match="9 pairs are too few"):
        train(changed(pairs, **few), tmp_path / "x")

    class OtherPreprocessing(ToyEmbedder):
        def settings(self) -> dict[str, Any]:
            return {"size": 64}

    with pytest.raises(BadInput) as caught:
        train(
            changed(pairs, **few),
            tmp_path / "x",
            generator=ToyGenerator(),
            embedder=OtherPreprocessing(),
        )
    assert "9 pairs" in caught.value.message
    assert "embedder is toy:embedder with other settings (size 8, not 64)" in caught.value.message
    assert not list(tmp_path.iterdir())


def test_a_loss_that_explodes_stops(
    pairs: c2l.Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: Any, *args: Any) -> torch.Tensor:
        return torch.tensor(torch.nan, requires_grad=True)

    monkeypatch.setattr(FlowPrior, "training_loss", nothing)
    with pytest.raises(BadInput, match="loss is nan at step 20"):
        train(pairs, tmp_path / "x.safetensors")
