"""Sessions: what stays loaded, and what is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import torch

from c2l import Picture, Pipeline
from c2l.errors import BadInput, DeviceUnavailable, LicenceNotAccepted, UnknownReference
from c2l.service import Notice, Request, Session, typed_request


def told(session_request: Request) -> list[Notice]:
    notices: list[Notice] = []
    list(Session(tell=notices.append).draw(session_request))
    return notices


def test_pipelines_stay_loaded() -> None:
    session = Session(most_loaded=2)
    faces = session.pipeline(Request(prompt="a"))
    assert session.milliseconds_loading > 0
    assert session.pipeline(Request(prompt="b", seeds=[3])) is faces
    assert session.pipeline(Request(prompt="b", recipe="demo-faces")) is faces
    for recipe in ("demo-landscapes", "demo-faces"):
        session.pipeline(Request(prompt="a", recipe=recipe, precision="float32"))
    assert session.pipeline(Request(prompt="a")) is faces
    small = Session(most_loaded=1)
    first = small.pipeline(Request(prompt="a"))
    small.pipeline(Request(prompt="a", recipe="demo-landscapes"))
    assert small.pipeline(Request(prompt="a")) is not first


def test_threads_share_a_session() -> None:
    session = Session(most_loaded=1)
    start = Barrier(4)

    def draw(seed: int) -> tuple[Pipeline, list[Picture]]:
        start.wait()
        request = Request(prompt="a man", seed=seed % 2, device="cpu")
        return session.pipeline(request), list(session.draw(request))

    with ThreadPoolExecutor(4) as pool:
        pipelines, pictures = zip(*pool.map(draw, range(4)), strict=True)
    assert len(set(map(id, pipelines))) == 1
    for one, same in ((0, 2), (1, 3)):
        torch.testing.assert_close(pictures[one][0].image, pictures[same][0].image)
    assert not torch.equal(pictures[0][0].image, pictures[1][0].image)


def test_what_was_used_longest_ago_is_dropped() -> None:
    session = Session(most_loaded=2)
    faces, lands = Request(prompt="a"), Request(prompt="a", recipe="demo-landscapes")
    first, second = session.pipeline(faces), session.pipeline(lands)
    assert session.pipeline(faces) is first
    session.pipeline(Request(prompt="a", prior="flow:demo-faces"))
    assert session.pipeline(faces) is first
    assert session.pipeline(lands) is not second


def test_a_recipe_is_a_name_where_all_parts_are_given() -> None:
    request = Request(
        prompt="a",
        recipe="no longer there",
        generator="stylegan:demo-faces",
        embedder="openclip:demo",
        prior="flow:demo-faces",
    )
    (picture,) = Session().draw(request.replace(seed=1))
    assert picture.record["recipe"] == "no longer there"


def test_the_device_is_said_once() -> None:
    notices: list[Notice] = []
    session = Session(tell=notices.append)
    for _ in range(2):
        (picture,) = session.draw(Request(prompt="a man", seed=1))
    assert [n.kind for n in notices] == ["device"]
    assert picture.record["device"] == "cpu"


def test_what_is_told() -> None:
    kinds = [n.kind for n in told(Request(prompt="a qwxyz without a hat", seed=1, device="cpu"))]
    assert kinds == ["words", "negation"]
    kinds = [n.kind for n in told(Request(prompt="Hatsune Miku", seed=1, device="cpu"))]
    assert kinds == ["words", "far"]
    assert told(Request(prompt="a happy man", seed=1, device="cpu")) == []


def test_words_of_the_negative_prompt_are_read_too() -> None:
    request = Request(prompt="a man", negative="qwxyz", seed=1, device="cpu")
    (notice,) = told(request)
    assert "'qwxyz'" in notice.text


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"recipe": "none"}, UnknownReference),
        ({"device": "cuda:99"}, DeviceUnavailable),
        ({"precision": "int3"}, BadInput),
        ({"prior": "./none.safetensors"}, UnknownReference),
        ({"recipe": "faces"}, LicenceNotAccepted),
    ],
)
def test_what_cannot_be_loaded(fields: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        Session().pipeline(Request(prompt="a", **fields))  # type: ignore[arg-type]


def test_a_typed_request(tmp_path: Path) -> None:
    request = typed_request("a man", also=["a kid:0.5"], negative=["hat, beard:2", "glasses"])
    assert request.prompts == ({"a man": 1.0, "a kid": 0.5},)
    assert request.negative == {"hat": 1, "beard": 2, "glasses": 1}
    assert request.num_images == 4
    (tmp_path / "p.txt").write_text("a man\n\na kid\n")
    many = typed_request(prompts_file=tmp_path / "p.txt", also=["x:2"], seeds="1")
    assert many.prompts == ({"a man": 1, "x": 2}, {"a kid": 1, "x": 2})
    with pytest.raises(BadInput, match="two sources"):
        typed_request("a", prompts_file=tmp_path / "p.txt")
    with pytest.raises(BadInput, match="no prompt to blend into"):
        typed_request(also=["x"])


def test_other_weights_under_the_same_name_are_told() -> None:
    request = Request(prompt="a man", seed=1, device="cpu")
    (picture,) = Session().draw(request)
    prints = picture.record["fingerprints"]
    assert told(request.replace(fingerprints=prints)) == []
    (notice,) = told(request.replace(fingerprints={**prints, "prior": "0" * 16}))
    assert notice.kind == "weights" and "other weights of flow:demo-faces" in notice.text
