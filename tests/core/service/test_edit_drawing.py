"""Edits drawn into a folder: resumed after an interruption, with one contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageChops

import c2l
from c2l.editing import Edit
from c2l.service import DrawingInterrupted, Drawn, Notice, TypedEdit, draw_edit
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())


def four(pipeline: c2l.Pipeline, seed: int = 1) -> Edit:
    return pipeline.edit("shape1", seed=seed).vary(0.5, num=4)


def drawn_until(typed: TypedEdit, out: Path, after: int) -> DrawingInterrupted:
    """Ctrl-C once so many pictures are there."""

    def stop(drawn: Drawn) -> None:
        if drawn.index + 1 == after:
            raise KeyboardInterrupt

    with pytest.raises(DrawingInterrupted) as caught:
        draw_edit(typed, out, on_picture=stop)
    return caught.value


def pixels(paths: Sequence[Path]) -> list[bytes]:
    return [Image.open(path).tobytes() for path in paths]


def test_an_interrupted_edit_goes_on(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    whole = draw_edit(TypedEdit(four(pipeline)), tmp_path / "whole")
    stop = drawn_until(TypedEdit(four(pipeline)), tmp_path, after=2)
    assert (stop.num_done, stop.num, stop.resumes) == (2, 4, True)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")}
    again: list[Drawn] = []
    told: list[Notice] = []
    steps: list[tuple[int, int]] = []
    pages = draw_edit(
        TypedEdit(four(pipeline)),
        tmp_path,
        on_picture=again.append,
        on_progress=lambda *step: steps.append(step),
        tell=told.append,
    )
    assert [notice.kind for notice in told] == ["resumed"]
    assert [item.picture is None for item in again] == [True, True, False, False]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (steps[0], steps[-1]) == ((2, 4), (4, 4))
    names = [f"edit-varied-0{number}.png" for number in (1, 2, 3, 4)]
    assert [item.path.name for item in again] == names
    assert pixels([tmp_path / n for n in names]) == pixels([tmp_path / "whole" / n for n in names])
    sheets = [Image.open(page).convert("RGB") for page in (*pages, *whole)]
    assert ImageChops.difference(*sheets).getbbox() is None
    assert not list(tmp_path.glob(".c2l-*"))


def test_another_edit_does_not_take_its_pictures(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    drawn_until(TypedEdit(four(pipeline)), tmp_path, after=2)
    drawn: list[Drawn] = []
    draw_edit(TypedEdit(four(pipeline, seed=2)), tmp_path, on_picture=drawn.append)
    assert all(item.picture is not None for item in drawn)
    assert drawn[0].path.name == "edit-varied-2-01.png"


def test_a_seed_that_nobody_named_is_said(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    stop = drawn_until(TypedEdit(four(pipeline), chosen_seed=77), tmp_path, after=1)
    assert not stop.resumes
    assert str(stop).endswith("With `seeds=77` the same command resumes")
