"""Requests drawn into a folder: written as they are drawn, resumed, with pages of a grid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import c2l
from c2l.budgets import Budget
from c2l.errors import BadInput, NotWritable, UnknownReference
from c2l.sampling.record import read_record
from c2l.service import DrawingInterrupted, Drawn, Notice, Request, Session, draw_into
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


class ToySession(Session):
    """Draws with toy parts."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        super().__init__(tell=self.notices.append)
        self._toys = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())

    def pipeline(self, request: Request) -> c2l.Pipeline:
        return self._toys


def draw(request: Request, out: Path, session: Session | None = None) -> list[Drawn]:
    drawn: list[Drawn] = []
    draw_into(session or ToySession(), request, out, on_picture=drawn.append)
    return drawn


def interrupted(request: Request, out: Path, after: int) -> None:
    """Draw so many pictures, and then be interrupted while the next is drawn."""

    def stop(done: int, total: int) -> None:
        if done > after * (request.best_of or 1):
            raise KeyboardInterrupt

    with pytest.raises(DrawingInterrupted, match=f"{after} of ") as caught:
        draw_into(ToySession(), request, out, on_candidates=stop)
    assert (caught.value.folder, caught.value.num_done) == (out, after)


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2l.sampling.drawing.SAMPLING", Budget(gpu=64, cpu=64))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_picture_is_there_before_the_next_is_drawn(tmp_path: Path) -> None:
    request = Request(prompt="shape1", seeds="1-3")
    seen = []

    def look(item: Drawn) -> None:
        seen.append((item.index, item.num, len(list(tmp_path.glob("*-s*.png")))))
        assert read_record(item.path) == item.record

    draw_into(ToySession(), request, tmp_path, on_picture=look)
    assert seen == [(0, 3, 1), (1, 3, 2), (2, 3, 3)]
    assert files(tmp_path) == ["shape1-grid.png", *(f"shape1-s{i}.png" for i in (1, 2, 3))]


@pytest.mark.parametrize("spelling", [{"seeds": "1-6"}, {"num_images": 6}])
def test_an_interrupted_request_goes_on(tmp_path: Path, spelling: dict[str, Any]) -> None:
    request = Request(prompt="shape1", best_of=2, **spelling)
    interrupted(request, tmp_path, after=2)
    assert len(list(tmp_path.glob("*.png"))) == 2
    session = ToySession()
    drawn = draw(request, tmp_path, session)
    assert [item.index for item in drawn] == list(range(6))
    assert any(item.picture is None for item in drawn)
    assert len({item.path for item in drawn}) == 6
    seeds = sorted(item.record["seed"] % 1_000_000 for item in drawn)
    assert seeds == list(range(seeds[0], seeds[0] + 6))
    assert [n.kind for n in session.notices] == ["resumed"]
    assert len(files(tmp_path)) == 7  # six pictures and their grid: nothing else is left


def test_a_resumed_request_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    request = Request(prompts=["shape1", "mood2"], seeds="1-4")
    interrupted(request, tmp_path / "a", after=5)
    draw(request, tmp_path / "a")
    draw(request, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_picture_that_was_removed_is_drawn_again(tmp_path: Path) -> None:
    request = Request(prompt="shape1", seeds="1-4")
    interrupted(request, tmp_path, after=3)
    (tmp_path / "shape1-s2.png").unlink()
    assert [item.picture is None for item in draw(request, tmp_path)] == [True, False, True, False]


def test_another_request_is_not_taken_for_it(tmp_path: Path) -> None:
    interrupted(Request(prompt="shape1", seeds="1-4"), tmp_path, after=2)
    drawn = draw(Request(prompt="shape1", seeds="1-4", truncation=0.5), tmp_path)
    assert all(item.picture is not None for item in drawn)
    assert drawn[0].path.name == "shape1-s1-2.png"


def test_a_finished_request_is_drawn_anew(tmp_path: Path) -> None:
    request = Request(prompt="shape1", seeds="1-2")
    paths = [item.path.name for _ in range(2) for item in draw(request, tmp_path)]
    assert paths == ["shape1-s1.png", "shape1-s2.png", "shape1-s1-2.png", "shape1-s2-2.png"]


def test_a_prompt_with_a_line_separator_is_resumed(tmp_path: Path) -> None:
    request = Request(prompt="shape1\u2028mood2\x85", num_images=3)
    interrupted(request, tmp_path, after=1)
    assert [item.picture is None for item in draw(request, tmp_path)] == [True, False, False]


@pytest.mark.parametrize("damage", ["", "{", '{"prompt": 3}\n', "\0\n[0, 1]\n"])
def test_a_damaged_journal_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    request = Request(prompt="shape1", seeds="1-3")
    interrupted(request, tmp_path, after=1)
    (journal,) = tmp_path.glob(".c2l-unfinished-*.jsonl")
    journal.write_text(damage, encoding="utf-8")
    assert len(draw(request, tmp_path)) == 3
    assert not list(tmp_path.glob(".c2l*"))


def test_a_line_of_the_journal_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    request = Request(prompt="shape1\u2028\x85\x0c", seeds="1-4")
    interrupted(request, tmp_path, after=2)
    (journal,) = tmp_path.glob(".c2l-unfinished-*.jsonl")
    journal.write_text(journal.read_text(encoding="utf-8")[:-3], encoding="utf-8")

    def stop(item: Drawn) -> None:
        if item.index == 1:
            raise KeyboardInterrupt

    with pytest.raises(DrawingInterrupted, match="2 of 4"):
        draw_into(ToySession(), request, tmp_path, on_picture=stop)
    drawn = draw(request, tmp_path)
    assert [item.picture is None for item in drawn] == [True, True, False, False]


def test_pages_are_not_written_twice(tmp_path: Path) -> None:
    request = Request(prompt="shape1", seeds="0-129")
    interrupted(request, tmp_path, after=70)
    before = (tmp_path / "shape1-grid-1.png").stat()
    draw(request, tmp_path)
    assert (tmp_path / "shape1-grid-1.png").stat() == before
    assert len(files(tmp_path)) == 130 + 3


def test_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    request = Request(prompt="shape1", seeds="1-3")
    interrupted(request, tmp_path, after=2)
    whole = (tmp_path / "shape1-s2.png").read_bytes()
    (tmp_path / "shape1-s2.png").write_bytes(b"")  # its name was taken, and it was not written
    (tmp_path / ".shape1-s2.png.1234.partial").write_bytes(whole[:99])
    draw(request, tmp_path)
    assert files(tmp_path) == ["shape1-grid.png", *(f"shape1-s{i}.png" for i in (1, 2, 3))]
    assert (tmp_path / "shape1-s2.png").read_bytes() == whole


def test_a_name_that_somebody_takes_meanwhile_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shape1-s1.png").write_bytes(b"theirs")
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: real(path) and path.name != "shape1-s1.png")
    (drawn,) = draw(Request(prompt="shape1", seeds="1"), tmp_path)
    assert drawn.path.name == "shape1-s1-2.png"
    assert (tmp_path / "shape1-s1.png").read_bytes() == b"theirs"


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    request = Request(prompt="shape1", seeds="1-3")
    inner: list[Drawn] = []

    def draw_too(item: Drawn) -> None:
        if item.index == 0:
            inner.extend(draw(request, tmp_path))

    draw_into(ToySession(), request, tmp_path, on_picture=draw_too)
    assert len(inner) == 3 and all(item.picture is not None for item in inner)
    assert len(list(tmp_path.glob("shape1-s*.png"))) == 6


def test_interrupted_while_somebody_looks(tmp_path: Path) -> None:
    def look(item: Drawn) -> None:
        raise KeyboardInterrupt

    with pytest.raises(DrawingInterrupted, match="1 of 3"):
        draw_into(ToySession(), Request(prompt="a", seeds="1-3"), tmp_path, on_picture=look)


def test_what_cannot_be_drawn_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownReference):
        draw(Request(prompt="a", recipe="nothing"), tmp_path / "new", Session())
    assert files(tmp_path / "new") == []
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable) as caught:
        draw(Request(prompt="a"), tmp_path / "file" / "x")
    assert caught.value.field == "out"


def test_large_grids_have_pages(tmp_path: Path) -> None:
    draw(Request(prompt="shape1", seeds="0-69"), tmp_path)
    pages = sorted(tmp_path.glob("*-grid*.png"))
    assert [page.name for page in pages] == ["shape1-grid-1.png", "shape1-grid-2.png"]
    assert [Image.open(page).size for page in pages] == [(92, 92), (92, 8)]
    assert json.loads(Image.open(pages[0]).text["c2l"])["grid"] == ["shape1"]  # type: ignore


def test_pages_show_large_pictures_smaller(tmp_path: Path) -> None:
    from c2l.service.grids import LONGEST_SIDE, GridPages

    sizes = []

    def save(number: int, page: Image.Image) -> Path:
        sizes.append(page.size)
        return tmp_path / f"{number}.png"

    pages = GridPages(save, per_prompt=64, num=64)
    for index in range(64):
        pages.add(index, Image.new("RGB", (1024, 512)))
    assert pages.paths == [tmp_path / "0.png"]
    ((width, height),) = sizes
    assert width <= LONGEST_SIDE and height <= LONGEST_SIDE // 2 + 64


@pytest.mark.parametrize("name", ["x.png", "a.b.JPG"])
def test_a_picture_is_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="is the name of a picture") as caught:
        draw(Request(prompt="a man"), tmp_path / name)
    assert caught.value.field == "out" and f'`out="{tmp_path / name}'[:-4] in caught.value.hint
    assert not (tmp_path / name).exists()
    (tmp_path / name).mkdir()
    assert draw(Request(prompt="a man", num_images=1), tmp_path / name)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(NotWritable, match="it is a file"):
        draw(Request(prompt="a man"), tmp_path / "x")
