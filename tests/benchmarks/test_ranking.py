"""How well the choice ranks what it tried, and how well that can be ranked."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import cast

import pytest
import ranking
import torch
from resistance import AUTO, NUM_PROMPTS, PROMPT_SEED, TRIED, Bench, Cell
from worlds import World
from worlds.ranking import Tries, minus_best, of_criterion, of_halves, pooled

from c2l import Question


def test_worlds_that_are_harder_do_not_matter() -> None:
    easy, hard = torch.tensor([0.5, 0.75, 1.0]), torch.tensor([0.0, 0.25, 0.5])
    assert pooled([easy, hard], [hard, easy]) == pytest.approx(1)
    assert pooled([easy, hard], [-hard, -easy]) == pytest.approx(-1)


def test_of_noise_no_criterion_can_be_right() -> None:
    """Twenty tries of which none is better: some are on one half of the prompts, by chance."""
    rng = torch.Generator().manual_seed(0)
    noise = torch.rand(20, 60, generator=rng)
    world = Tries(noise.mean(dim=1), noise)  # a criterion that has seen these very prompts
    assert of_criterion([world]) == pytest.approx(1)
    of_half, most = of_halves([world])
    assert of_half > 0.5 and abs(most) < 0.2


def test_what_is_told_apart_on_every_prompt_can_be_ranked() -> None:
    accuracy = torch.linspace(0, 1, 10)[:, None].expand(-1, 60)
    worlds = [Tries(torch.arange(10.0), accuracy), Tries(-torch.arange(10.0), accuracy)]
    assert of_halves(worlds[:1]) == pytest.approx((1, 1))
    assert of_halves(worlds[1:]) == pytest.approx((-1, 1))


def test_who_is_best_by_luck_gains_nothing() -> None:
    """Each of many is right half of the time; the best of them is so on some prompts alone."""
    rng = torch.Generator().manual_seed(0)
    lucky = torch.rand(40, 60, generator=rng).round()
    assert float(lucky.mean(dim=1).max()) > 0.6
    apart = minus_best([0.5] * 60, lucky.tolist())
    assert len(apart) == 60 and abs(fmean(apart)) < 0.03
    better = torch.cat([lucky, torch.ones(1, 60)])
    assert minus_best([0.5] * 60, better.tolist()) == [-0.5] * 60


def test_other_prompts_are_none_of_the_table() -> None:
    def questions(num: int, seed: int) -> list[Question]:
        start = 0 if seed == PROMPT_SEED else NUM_PROMPTS - 1
        return [Question(f"a {i}", {"number": i}) for i in range(start, start + num)]

    world = cast("World", SimpleNamespace(judge=SimpleNamespace(questions=questions)))
    asked = [q.prompt for q in ranking.other_questions(world, 4)]
    assert asked == [f"a {NUM_PROMPTS + i}" for i in range(3)]


def test_bridges_are_measured_on_both_kinds_of_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the chosen one is compared with each."""

    def cell(*accuracy: float, unfit: float = 0.0, chosen: str = "") -> Cell:
        return Cell(accuracy, accuracy, {}, [0.5], 0.1, unfit=unfit, chosen=chosen)

    bench = Bench("digits-fixed", tmp_path)
    bench.keep(AUTO, cell(0.5, chosen="blur"))
    bench.keep(TRIED + "blur", cell(0.5, 0.75, unfit=0.2))
    bench.keep(TRIED + "noise", cell(1.0, 0.75, unfit=0.1))
    others = {TRIED + "blur": cell(0.0), TRIED + "noise": cell(1.0)}
    monkeypatch.setattr(ranking, "open_world", lambda name, work: None)
    monkeypatch.setattr(ranking, "other_questions", lambda world, num: [Question("a", {})])
    monkeypatch.setattr(ranking, "tried", lambda *_: others.items())
    bridges = ranking.bridges_of(bench)
    assert bridges[TRIED + "blur"].accuracy == [0.5, 0.75, 0.0]
    assert of_criterion([ranking.tries_of(bridges)]) == pytest.approx(1)
    ranking.table("digits-fixed", bridges, "blur")
    best, chosen = capsys.readouterr().out.splitlines()[-2:]
    assert best.startswith("| noise | 10.0 | 91.7 | 50 | -50.0 ±")
    assert chosen == "| **blur** | 20.0 | 41.7 | 50 | +0.0 ± 0.0 |"
    ranking.verdict({"digits-fixed": bridges}, {"digits-fixed": "blur"})
    shown = capsys.readouterr().out
    assert "| digits-fixed | 2 | 1.00 | -50.0 ± 28.9 | -" in shown
    assert "| **all** | 2 | **1.00** | | |" in shown
