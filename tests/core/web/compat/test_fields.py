"""Fields, names and sizes of other people's clients."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from PIL import Image

from c2l.errors import BadInput
from c2l.service import Photo
from c2l.web.compat.drawing import draw_request, given_fields
from c2l.web.compat.recipes import chosen_recipe
from c2l.web.compat.sizes import Size, notice_of_size, parse_size, resized
from c2l.web.compat.works import Adhered
from c2l.web.errors import ApiError
from c2l.web.offer import Offer
from c2l.web.settings import Limits


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"guidance_scale": 2, "num_inference_steps": 4}, {"guidance": 2, "steps": 4}),
        ({"guidance_scale": 2, "guidance": 3}, {"guidance": 3}),
        ({"guidance_scale": 2, "guidance": "auto"}, {"guidance": 2}),
        ({"negative_prompt": "a hat, style:anime"}, {"negative": {"a hat": 1, "style:anime": 1}}),
        ({"negative": "a hat:2"}, {"negative": "a hat:2"}),
        ({"size": "auto", "seed": None, "model": " ", "user": ""}, {}),
        ({"prompt": "auto"}, {"prompt": "auto"}),
    ],
)
def test_names(sent: dict[str, Any], named: dict[str, Any]) -> None:
    assert given_fields(sent) == named


def test_seeds() -> None:
    asked = draw_request("a man", 3, {"seed": "7"}, Limits())
    assert list(asked.seed_lists[0]) == [7, 8, 9]
    assert draw_request("a man", 9, {"seeds": ["4", "6-7"]}, Limits()).seed_lists[0] == (4, 6, 7)
    first, second = (draw_request("a man", 1, {"seed": -1}, Limits()).seed for _ in range(2))
    assert first is not None and first != second


def test_errors_name_the_field_that_was_sent() -> None:
    for prompt, num, named in ((" ", 1, "prompt"), ("a man", 10_000, "batch_size")):
        with pytest.raises(BadInput) as raised:
            draw_request(prompt, num, {}, Limits(), counted_by="batch_size")
        assert raised.value.field == named


def test_recipes() -> None:
    offer = Offer(dict.fromkeys(("faces", "beaches")))  # type: ignore[arg-type]
    for name in (None, "", "auto", "Default", "faces", "dall-e-2", "GPT-Image-9-mini"):
        assert chosen_recipe(name, offer, "faces").recipe == "faces"
    assert chosen_recipe("beaches", offer, "faces") == ("beaches", [])
    for name in ("dall-e", "my-gpt-image-1", "Faces", "../faces", 7, ["faces"]):
        if name == "dall-e":
            assert chosen_recipe(name, offer, "faces").notices
            continue
        with pytest.raises(ApiError) as raised:
            chosen_recipe(name, offer, "faces")
        assert (raised.value.status, raised.value.code) == (404, "model_not_found")


@pytest.mark.parametrize("text", ["512", "512x", "x512", "-1x5", "512x512x3", "1e3x5", "٣x٣"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse_size(text)
    assert raised.value.field == "size"


def test_sizes() -> None:
    assert parse_size(" 300X200 ") == Size(300, 200)
    assert parse_size(None) is parse_size("auto") is parse_size("") is None
    wide = Image.linear_gradient("L").resize((100, 50))
    assert resized(wide, None) is wide and resized(wide, Size(100, 50)) is wide
    square = resized(wide, Size(50, 50))
    assert square.tobytes() == wide.crop((25, 0, 75, 50)).tobytes()  # the middle of it


@pytest.mark.parametrize(
    ("size", "how"), [((256, 256), "enlarged to"), ((64, 64), "made smaller to"),
                      ((256, 128), "enlarged and cut to"), ((128, 64), "made smaller and cut to")]
)  # fmt: skip
def test_what_is_said_of_sizes(size: tuple[int, int], how: str) -> None:
    assert f"each picture was {how} " in (notice_of_size(Size(128, 128), Size(*size)) or "")
    assert notice_of_size(Size(128, 128), Size(128, 128)) is None


def test_works_of_pictures_go_to_other_machines() -> None:
    photo = Photo(Image.new("RGB", (4, 4)), "0" * 64)
    work = Adhered(photo, {"schema": "c2l/2"}, "with a hat", (1, 2, 3), picture_weight=0.25)
    again = pickle.loads(pickle.dumps(work))
    assert (again.prompt, again.seeds, again.picture_weight) == ("with a hat", (1, 2, 3), 0.25)
    assert again.photo.image.size == (4, 4)


def test_pieces_of_works_of_pictures_are_small() -> None:
    """So that other clients get their turn between them."""
    photo = Photo(Image.new("RGB", (4, 4)), "0" * 64)
    for record, num in (({}, 1), (None, 16)):
        work = Adhered(photo, record, "with a hat", tuple(range(40)))
        pieces: list[Any] = list(work.pieces(16))
        assert all(len(piece.seeds) <= num for piece in pieces)
        assert [seed for piece in pieces for seed in piece.seeds] == list(range(40))
