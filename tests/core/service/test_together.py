"""Requests of several people drawn as one, and pictures as plain values."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from c2l.errors import BadPicture
from c2l.service import (
    Notice,
    PlainPicture,
    Request,
    Session,
    describe_pipeline,
    draw_together,
    embed,
    find_record,
    in_pieces,
    read_photo_data,
    score,
    together_key,
)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


@pytest.fixture(scope="module")
def plain(session: Session) -> PlainPicture:
    return PlainPicture.of(next(iter(session.draw(Request(prompt="a man", seed=3)))))


def test_each_gets_its_own_pictures_and_notices(session: Session) -> None:
    requests = [
        Request(prompts=["a man", "a woman qqxx"], seeds=[[1, 2], [5]]),
        Request(prompt="a man", seed=9),
    ]
    told: list[list[Notice]] = [[], []]
    drawn = list(draw_together(session, requests, [some.append for some in told]))
    assert [(index, p.prompt, p.seed) for index, p in drawn] == [
        (0, "a man", 1), (0, "a man", 2), (0, "a woman qqxx", 5), (1, "a man", 9)
    ]  # fmt: skip
    assert [n.kind for n in told[0]][:1] == ["words"] and told[1] == []
    (alone,) = session.draw(requests[1])
    torch.testing.assert_close(drawn[3][1].image, alone.image, atol=2e-3, rtol=0)
    assert drawn[3][1].record.keys() == alone.record.keys()


def test_what_may_be_drawn_together() -> None:
    plain = together_key(Request(prompt="a man", seed=1))
    assert plain == together_key(Request(prompt="a woman", seeds=[4, 5]))
    different = [
        Request(prompt="a man", guidance=3),
        Request(prompt="a man", recipe="demo-landscapes"),
        Request(prompt="a man", negative="glasses"),
        Request(prompt="a man", best_of=2),
    ]
    assert len({plain, *map(together_key, different)}) == 5
    operation = {"op": "random", "seed": 1}
    assert together_key(Request(latents=operation)) is None  # type: ignore[arg-type]


def test_pieces_are_the_same_pictures_in_order() -> None:
    request = Request(prompts=["a", "b"], num_images=3, seed=7, guidance=2)
    pieces = in_pieces(request, 2)
    jobs = [(text, seed) for piece in pieces
            for prompt, seeds in zip(piece.prompts, piece.seed_lists, strict=True)
            for text in prompt for seed in seeds]  # fmt: skip
    assert jobs == [("a", 7), ("a", 8), ("a", 9), ("b", 7), ("b", 8), ("b", 9)]
    assert [piece.num_pictures for piece in pieces] == [2, 2, 2]
    assert {together_key(piece) for piece in pieces} == {together_key(request)}
    assert len(in_pieces(request.replace(best_of=5), 4)) == 6
    assert in_pieces(request, 6) == [request]


def test_a_picture_as_plain_values(plain: PlainPicture, session: Session) -> None:
    again = pickle.loads(pickle.dumps(plain))
    assert again == plain
    png = again.encoded()
    assert find_record(png, "it") == plain.record
    assert Image.open(io.BytesIO(png)).tobytes() == plain.pixels
    for format in ("jpeg", "webp"):
        assert Image.open(io.BytesIO(plain.encoded(format))).size == (plain.width, plain.height)
    (same,) = session.draw(Request(latents=plain.latents, recipe="demo-faces"))
    drawn = PlainPicture.of(same)
    assert drawn.score is None
    levels = [np.frombuffer(p.pixels, np.uint8).astype(int) for p in (drawn, plain)]
    assert abs(levels[0] - levels[1]).max() <= 1


def test_what_a_pipeline_is_asked(plain: PlainPicture, session: Session) -> None:
    pipeline = session.pipeline(Request(prompt="anything"))
    photo = read_photo_data(plain.encoded(), "it")
    texts = ["a man", "a beach with palm trees"]
    ((shown, other),) = score(pipeline, [photo], texts)
    assert shown == pytest.approx(plain.score, abs=0.02) and shown > other
    rows = embed(pipeline, texts, [photo])
    told = describe_pipeline(pipeline)
    assert {len(row) for row in rows} == {told["embedding_width"]} and len(rows) == 3
    assert (told["width"], told["height"], told["recipe"]) == (128, 128, "demo-faces")


def test_pictures_that_somebody_sends() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, "PNG")
    png = buffer.getvalue()
    assert find_record(png, "it") is None
    assert read_photo_data(png, "it").image.size == (30, 20)
    for read in (find_record, read_photo_data):
        with pytest.raises(BadPicture, match=r"it is too large"):
            read(png, "it", most_pixels=599)
        for bad in (b"", b"PK\x03\x04" + b"\0" * 99, png[:50]):
            with pytest.raises(BadPicture, match=r"^it "):
                read(bad, "it")


def test_a_session_gives_memory_back(session: Session) -> None:
    request = Request(prompt="a")
    before = session.pipeline(request)
    notices: list[Notice] = []
    assert session.telling(notices.append).pipeline(request) is before
    assert session.has(request) and session.loaded == ("demo-faces",)
    session.forget()
    assert not session.has(request) and session.loaded == ()
    assert session.pipeline(request) is not before
