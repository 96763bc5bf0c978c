"""``c2l train`` as several processes: one file, one voice, whoever dies or hangs on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from c2l.prior_file import read_prior_card
from c2l.testing import some_prompts

PARTS = """
    import os, signal
    from pathlib import Path

    import c2l
    from c2l.testing import ToyEmbedder, ToyGenerator
    from c2l_priors.onestep import OneStepPrior

    class Drawing(ToyGenerator):
        '''Of the toy world.'''
        @classmethod
        def load(cls, source):
            return cls().eval().requires_grad_(False)

    class Seeing(ToyEmbedder):
        '''Of the toy world.'''
        @classmethod
        def load(cls, source):
            return cls().eval().requires_grad_(False)

    class MortalPrior(OneStepPrior):
        '''A rank of it is killed in its first life, and hangs in its second.'''
        calls = 0

        def training_loss(self, embeddings, latents, rng):
            MortalPrior.calls += 1
            if os.environ.get("RANK") == "1" and MortalPrior.calls == 60:
                lives = Path("lives").read_text() if Path("lives").exists() else ""
                Path("lives").write_text(lives + "x")
                if len(lives) < 2:
                    os.kill(os.getpid(), [signal.SIGKILL, signal.SIGSTOP][len(lives)])
            return super().training_loss(embeddings, latents, rng)
"""
FLAGS = ["--batch-size", "32", "--steps", "40", "--set", "hidden=16", "--set", "num_blocks=1",
         "--device", "cpu"]  # fmt: skip

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder with the parts of the toy world in a file."""
    monkeypatch.chdir(tmp_path)
    Path("parts.py").write_text(dedent(PARTS), encoding="utf-8")
    Path("w.pt").write_text("weights")
    Path("prompts.txt").write_text("\n".join(some_prompts(12)) + "\n", encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "c2l", "--plugin", "./parts.py", *arguments],
            env={**environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def done(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_whoever_dies_or_hangs_the_file_is_that_of_one_process(run: Run) -> None:
    done(run("pairs", "-g", "drawing:./w.pt", "-e", "seeing:./w.pt", "--num", "300",
             "--workers", "1", "--out", "pairs"))  # fmt: skip
    train = ("train", "--pairs", "pairs", "-p", "mortal-prior", "--domain", "prompts.txt", *FLAGS)
    two = run(*train, "--processes", "2", "--out", "two.safetensors", C2L_RANK_TIMEOUT="3")
    assert two.returncode == 0, two.stderr
    assert Path("lives").read_text() == "xxx"
    said = two.stderr
    assert "rank 1 was killed by SIGKILL; all processes go on from the checkpoint" in said
    assert said.count(" hangs, ") == 1 and "error: rank 1 on " in said
    for once in ("step 40 of 40", "mortal-prior, ", "any two pictures"):
        assert said.count(once) == 1, said
    lines = [json.loads(line) for line in Path("two.log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [20, 40]

    done(run(*train, "--micro-batches", "8", "--out", "one.safetensors"))
    assert Path("one.safetensors").read_bytes() == Path("two.safetensors").read_bytes()
    card = read_prior_card(Path("two.safetensors"))
    assert card.training["micro_batches"] == 8
    assert "prompts_cosine" in card.scores
