"""What ``pipeline(...)`` returns acts like what people know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import c2l
from c2l.errors import BadInput, NotWritable
from c2l.result import slug
from c2l.sampling.record import read_record, request_of
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())


@pytest.fixture(scope="module")
def result(pipeline: c2l.Pipeline) -> c2l.Result:
    return pipeline(["shape0 mood1", {"shape1": 1, "mood0": 0.5}], num_images=3, seed=4)


def test_pictures_are_pil_images(result: c2l.Result) -> None:
    images = result.pil()
    assert len(images) == len(result) == 6
    assert all(isinstance(i, Image.Image) and i.size == (8, 8) for i in images)
    assert result[2].pil().tobytes() == images[2].tobytes()


def test_one_picture_and_some(result: c2l.Result) -> None:
    assert (result[1].seed, result[-1].seed) == (5, 6)
    assert result[3].prompt == "shape1 + mood0:0.5"
    some = result[2:4]
    assert isinstance(some, c2l.Result) and some.seeds == (6, 4)
    torch.testing.assert_close(some.images, result.images[2:4])
    assert [p.seed for p in result] == list(result.seeds)
    with pytest.raises(IndexError):
        result[6]


def test_grids(result: c2l.Result) -> None:
    assert result.grid().size == (3 * 12 - 4, 2 * 12 - 4)  # a row for each prompt
    assert result[2:4].grid().size == (2 * 12 - 4, 8)  # one picture of each prompt
    assert result.grid(columns=2).size == (2 * 12 - 4, 3 * 12 - 4)
    with pytest.raises(BadInput, match="`columns=0` is below 1"):
        result.grid(columns=0)


def test_no_picture_is_a_result_too(result: c2l.Result, tmp_path: Path) -> None:
    none = result[:0]
    assert (len(none), none.pil(), none.save(tmp_path), none._repr_html_()) == (0, [], [], None)
    assert repr(none) == "Result(0 pictures of 0 prompts, 8 x 8 px)"
    with pytest.raises(BadInput, match="no picture"):
        none.grid()


def test_a_part_took_a_part_of_the_time(result: c2l.Result) -> None:
    for stage, spent in result[2:4].milliseconds.items():
        assert spent == pytest.approx(result.milliseconds[stage] / 3, abs=0.01)
    assert result[2:4][0].milliseconds == pytest.approx(result[2].milliseconds, abs=0.02)


def test_odd_slices_and_grids(result: c2l.Result) -> None:
    assert [p.seed for p in result[::-1]] == list(result.seeds)[::-1]
    torch.testing.assert_close(result[::-2].images, result.images.flip(0)[::2])
    assert result.grid(columns=100).size == (6 * 12 - 4, 8)
    for columns in (0, -1):
        with pytest.raises(BadInput) as caught:
            result.grid(columns=columns)
        assert caught.value.field == "columns"
    none = result[6:]
    assert len(none) == 0 and "0 pictures" in repr(none) and none._repr_html_() is None
    with pytest.raises(BadInput, match="no picture"):
        none.grid()
    with pytest.raises(TypeError):
        result["a"]


def test_home_is_home(result: c2l.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert result[0].save("~/x.png") == tmp_path / "x.png"
    assert result[:1].save("~/some")[0].parent == tmp_path / "some"


@pytest.mark.parametrize("seeds", [np.arange(2), torch.arange(2), [np.int64(0), 1], range(2)])
def test_seeds_of_any_library(pipeline: c2l.Pipeline, seeds: Any) -> None:
    assert pipeline("shape1", seeds=seeds).seeds == (0, 1)


def test_seeds_and_a_number_of_pictures_are_too_much(pipeline: c2l.Pipeline) -> None:
    for other in ({"num_images": 2}, {"seed": 5}):
        with pytest.raises(BadInput, match="already say"):
            pipeline("shape1", seeds=[1], **other)


def test_saved_with_records_that_draw_them_again(
    result: c2l.Result, pipeline: c2l.Pipeline, tmp_path: Path
) -> None:
    paths = result.save(tmp_path / "new" / "folder")
    assert [p.name for p in paths[:2]] == ["shape0-mood1-s4.png", "shape0-mood1-s5.png"]
    assert result.save(tmp_path / "new" / "folder")[0].name == "shape0-mood1-s4-2.png"
    for path, picture in zip(paths, result, strict=True):
        assert Image.open(path).tobytes() == picture.pil().tobytes()
        (again,) = pipeline.stream(request_of(read_record(path), str(path)))
        torch.testing.assert_close(again.image, picture.image, atol=1e-5, rtol=0)
        assert again.record == picture.record


def test_one_picture_in_any_format(result: c2l.Result, tmp_path: Path) -> None:
    assert result[0].save(tmp_path / "a.jpg") == tmp_path / "a.jpg"
    assert Image.open(tmp_path / "a.jpg").format == "JPEG"
    with pytest.raises(NotWritable, match=r"a\.nothing"):
        result[0].save(tmp_path / "a.nothing")
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable):
        result.save(tmp_path / "file" / "folder")


def test_latents_can_carry_gradients(result: c2l.Result, pipeline: c2l.Pipeline) -> None:
    latents = result.latents.detach().requires_grad_()
    pipeline.generator.synthesize(latents).sum().backward()
    assert latents.grad is not None and latents.grad.abs().sum() > 0


def test_a_notebook_shows_it(result: c2l.Result) -> None:
    assert result._repr_html_().startswith('<img alt="6 pictures" src="data:image/png;base64,')
    assert result[0]._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A man, 30 years old!", "a-man-30-years-old"),
        ("ein fröhlicher Mann", "ein-fröhlicher-mann"),
        ("\ufb01ve \uff11\uff12", "five-12"),
        ("猫の写真", "猫の写真"),
        ("हिन्दी में", "हिन्दी-में"),
        ("../../etc/passwd", "etc-passwd"),
        ("🙂", "picture"),
        ("x" * 99, "x" * 60),
        ("猫" * 99, "猫" * 20),
    ],
)
def test_a_prompt_names_its_file_in_its_own_script(prompt: str, name: str) -> None:
    assert slug(prompt) == name
