"""An evaluation that several processes draw is the one that one of them draws."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from c2l.evaluation import Evaluation
from c2l.evaluation.jobs import Share
from c2l.evaluation.run import Work, prepare, silent
from c2l.service import read_evaluation, run_evaluation
from c2l.testing import some_prompts, toy_pipeline

PROMPTS = list(dict.fromkeys(some_prompts(24)))[:12]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("c2l.evaluation.jobs.batch_size", lambda pipeline: 8)


def work() -> Work:
    return prepare(toy_pipeline(), PROMPTS, num_images=2, seed=0, guidance=(None,), steps=(None,),
                   num_reference=20, fid=False)  # fmt: skip


def scores(evaluation: Evaluation) -> Any:
    """Everything but what it costs."""
    outcomes = [dataclasses.replace(o, cost=None) for o in evaluation.variants]
    return outcomes, evaluation.baselines, evaluation.rows, evaluation.pictures


@pytest.mark.usefixtures("small_batches")
def test_what_others_have_drawn_is_not_drawn_again(tmp_path: Path) -> None:
    alone = work().carry_out(tmp_path / "alone", silent)
    folder = tmp_path / "shared"
    drawn: list[int] = []
    together = work()
    waits = [True, True]

    def others_work() -> bool:
        # The second process draws nothing before this one waits for it; the third has died.
        work().help(folder, Share(1, 3))
        return waits.pop() if waits else False

    observe = together.observer.observe

    def counting(images: torch.Tensor, *args: Any, **keywords: Any) -> Any:
        drawn.append(len(images))
        return observe(images, *args, **keywords)

    object.__setattr__(together.observer, "observe", counting)
    shared = together.carry_out(folder, silent, Share(0, 3, others_work))
    assert scores(shared) == scores(alone)
    pictures = len(PROMPTS) * 2 + 2 * 20
    assert 0 < sum(drawn) < pictures, "some are of others"
    assert sorted(p.name for p in folder.iterdir()) == [
        "pictures", "report.html", "results.jsonl", "summary.json",
    ]  # fmt: skip


@pytest.mark.usefixtures("small_batches")
def test_a_finished_one_is_read(tmp_path: Path) -> None:
    first = work().carry_out(tmp_path, silent)
    again = work().finished(tmp_path)
    assert again is not None and again.summary() == first.summary()


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a man\na woman with glasses\n", encoding="utf-8")
    found = []
    for num in (1, 2):
        request, prompts = read_evaluation(
            recipe="demo-faces", prompts=str(tmp_path / "prompts.txt"), num_images=1,
            num_reference=16, device="cpu", processes=num, out=tmp_path / str(num),
        )  # fmt: skip
        found.append(run_evaluation(request, prompts))
        assert (tmp_path / str(num) / "report.html").exists()
    assert scores(found[0]) == scores(found[1])
