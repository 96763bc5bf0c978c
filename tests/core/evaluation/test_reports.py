"""Pages: all in one file, true to the numbers, safe for any prompt; and comparisons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import c2l
from c2l.errors import BadInput
from c2l.evaluation import Evaluation
from c2l.evaluation.compare import compare
from c2l.evaluation.report import comparison_page, report_page
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior, some_prompts, toy_pipeline

PROMPTS = [*dict.fromkeys(some_prompts(30))][:12]
SMALL: dict[str, Any] = {"num_images": 2, "num_reference": 24}


def run(out: Path, **how: Any) -> Path:
    c2l.evaluate(toy_pipeline(how.pop("prior", None)), PROMPTS, out=out, **{**SMALL, **how})
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {
        "weak": run(folder / "weak", guidance=[1]),
        "strong": run(folder / "strong", guidance=[24]),
        "sweep": run(folder / "sweep", guidance=[1, 4], steps=[1, 2]),
    }


def test_a_report_needs_nothing_else(runs: dict[str, Path]) -> None:
    page = (runs["sweep"] / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r"(?:src|href)=\"([^\"]*)\"", page)
    assert sources and all(source.startswith("data:image/webp;base64,") for source in sources)
    assert len(sources) == 4 * len(PROMPTS) * 2
    assert "<script" not in page and "url(" not in page and "@import" not in page
    assert page.count("<svg") == 2 * 5  # five scores over guidance, and over steps
    for value in ("prefers-color-scheme: dark", "toy:generator", "random latents"):
        assert value in page
    assert all(prompt in page for prompt in PROMPTS)


def test_a_report_shows_the_scores(runs: dict[str, Path]) -> None:
    there = Evaluation.load(runs["strong"])
    page = report_page(there)
    for score in there.scores.values():
        assert f"{score.value:.3f}" in page


def test_prompts_are_text_not_html() -> None:
    prompts = ["<script>alert(1)</script> shape1", 'a & b "c" shape2']
    page = report_page(c2l.evaluate(toy_pipeline(), prompts, **SMALL))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; shape1" in page


def test_the_better_of_two_runs_is_found(runs: dict[str, Path]) -> None:
    found = compare([runs["weak"], runs["strong"]])
    assert [column.label for column in found.columns] == ["weak", "strong"]
    alignment = found.differences[0]["alignment/own"]
    assert alignment.value > 0 and alignment.p is not None and alignment.p < 0.01
    page = comparison_page(found)
    assert ('class="good"' in page and "&lt; 0.001" in page) or "0.0" in page
    itself = compare([runs["weak"], runs["weak"]]).differences[0]
    assert all((d.value, d.p) == (0, 1) for d in itself.values())


def test_variants_of_a_sweep_are_columns(runs: dict[str, Path]) -> None:
    found = compare([runs["sweep"]])
    assert len(found.columns) == 4
    assert found.columns[1].label.endswith("guidance 4, 1 step")
    assert len(found.to_dict()["columns"]) == 4


def test_runs_that_are_no_pairs_are_refused_all_at_once(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    c2l.evaluate(toy_pipeline(), PROMPTS[:5], seed=3, out=other, **SMALL)
    with pytest.raises(BadInput, match="weak differ in prompts, first seed"):
        compare([runs["weak"], other])
    with pytest.raises(BadInput) as caught:
        compare([tmp_path / "x", runs["weak"], tmp_path / "y"])
    assert caught.value.message.count("holds no finished evaluation") == 2
    with pytest.raises(BadInput, match="a single run"):
        compare([runs["weak"]])


def test_scores_by_different_rulers_are_left_out(runs: dict[str, Path], tmp_path: Path) -> None:
    pipeline = c2l.Pipeline(ToyGenerator(), ToyEmbedder(gap=0.2), ToyPrior())
    c2l.evaluate(pipeline, PROMPTS, out=tmp_path, **SMALL)
    found = compare([runs["weak"], tmp_path])
    assert "alignment/own" not in found.scores and "cmmd/own" not in found.scores
    assert "diversity/latents" in found.scores
    assert "own embedders differ" in found.notes[0]
