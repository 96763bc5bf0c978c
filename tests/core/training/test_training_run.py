"""Runs as TOML, and the run that a prior's file gives back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2l.errors import BadInput
from c2l.prior_file import PartCard, PriorCard
from c2l.training import TrainingRun

TOML = """
prior = "flow"
pairs = "faces-pairs"
out = "faces.safetensors"
steps = 200
learning_rate = 2e-3
student = false

[settings]
hidden = 64
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_and_what_wins_over_it(tmp_path: Path) -> None:
    run = TrainingRun.read(write(tmp_path, TOML), steps=7, seed=3)
    assert (run.steps, run.seed, run.learning_rate, run.student) == (7, 3, 2e-3, False)
    assert run.pairs == Path("faces-pairs") and run.settings == {"hidden": 64}


def test_every_wrong_key_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, 'stesp = 3\nbatch_size = 0\nseed = -1\nprior = 5\nhidden = "x"')
    with pytest.raises(BadInput) as caught:
        TrainingRun.read(path)
    for word in ("'stesp' (did you mean 'steps'?)", "`batch_size=0` is below 1", "'hidden'",
                 "`seed=-1` is below 0", "`prior=5` is not a text"):  # fmt: skip
        assert word in caught.value.message
    assert caught.value.message.startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["steps = ", "steps = 1\nsteps = 2", "\x01"])
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"run\.toml is not TOML"):
        TrainingRun.read(write(tmp_path, text))
    with pytest.raises(BadInput, match=r"cannot read .*nowhere\.toml"):
        TrainingRun.read(tmp_path / "nowhere.toml")


@given(
    text=st.text(max_size=30),
    num=st.integers(1, 10**9),
    rate=st.floats(1e-9, 0.99),
    flag=st.booleans(),
)
def test_toml_there_and_back(text: str, num: int, rate: float, flag: bool) -> None:
    run = TrainingRun(
        domain=text, num=num, learning_rate=rate, half=flag, settings={"a": text, "b": [1, 2.5]}
    )
    import tomllib

    assert TrainingRun(**tomllib.loads(run.to_toml())) == run


def test_the_run_that_made_a_prior() -> None:
    card = PriorCard(
        kind="mlp",
        settings={"embedding_width": 8, "num_codes": 1, "latent_width": 4, "hidden": 16},
        generator=PartCard("toy:generator", "a"),
        embedder=PartCard("toy:embedder", "b"),
        repeats=(5,),
        training={"num_pairs": 190, "num_held_out": 10, "steps": 60, "batch_size": 32,
                  "learning_rate": 0.01, "seed": 4, "patience": 2, "first_seed": 7, "half": True},
        domain={"name": "faces"},
        student={"hidden": 256},
    )  # fmt: skip
    run = TrainingRun.of(card)
    assert run.settings == {"hidden": 16} and run.domain == "faces" and run.student and run.half
    assert (run.num, run.first_seed, run.steps, run.seed, run.patience) == (200, 7, 60, 4, 2)
    assert (run.generator, run.embedder, run.pairs, run.out) == (
        "toy:generator", "toy:embedder", None, None)  # fmt: skip
