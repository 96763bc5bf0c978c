"""Drawing pictures of prompts, and how they are answered."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from api_calls import MAN, are_same, draw, image_of, record_inside

import c2l


def test_a_picture_is_that_of_the_pipeline(picture: dict[str, Any]) -> None:
    (own,) = c2l.load_pipeline(device="cpu")(MAN["prompt"], seed=7)
    shown = image_of(picture)
    assert max(abs(a - b) for a, b in zip(shown.tobytes(), own.pil().tobytes(), strict=True)) <= 1
    assert picture["score"] == pytest.approx(own.score, abs=1e-3)
    assert (picture["width"], picture["height"]) == shown.size == own.pil().size


def test_the_record_stands_beside_the_png_and_inside(picture: dict[str, Any]) -> None:
    assert record_inside(picture) == picture["record"]
    assert picture["record"]["recipe"] == "demo-faces"


def test_pictures_come_prompt_by_prompt(client: httpx2.Client) -> None:
    answer = draw(
        client, "sample", prompts=["a man", {"a man": 1, "a kid": 0.5}], seeds="3,8", images=False
    )
    found = [(p["prompt"], p["seed"], p["image"]) for p in answer["pictures"]]
    assert found == [
        ("a man", 3, None),
        ("a man", 8, None),
        ("a man + a kid:0.5", 3, None),
        ("a man + a kid:0.5", 8, None),
    ]


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_other_formats_and_sizes(
    client: httpx2.Client, picture: dict[str, Any], format: str
) -> None:
    (small,) = draw(client, "sample", **MAN, format=format, max_size=48)["pictures"]
    image = image_of(small)
    assert image.format == format.upper() and image.size == (48, 48) == (small["width"],) * 2
    assert small["record"] == picture["record"]


def test_a_small_png_holds_its_record(client: httpx2.Client, picture: dict[str, Any]) -> None:
    (small,) = draw(client, "sample", **MAN, max_size=48)["pictures"]
    assert record_inside(small) == picture["record"]


def test_a_preview_leaves_out_what_takes_long(client: httpx2.Client) -> None:
    (small,) = draw(client, "sample", **MAN, best_of=4, optimise=2, preview=True)["pictures"]
    assert "chosen_from" not in small["record"] and "optimise" not in small["record"]


def test_what_was_not_read_is_said(client: httpx2.Client) -> None:
    answer = draw(client, "sample", prompt="zyxt qwrt", seed=1, images=False)
    words, far = answer["notices"]
    assert (words["kind"], words["field"]) == ("words", "prompt") and "'zyxt'" in words["text"]
    assert far["kind"] == "far" and answer["far"]


def test_timings_are_of_the_stages(client: httpx2.Client) -> None:
    timings = draw(client, "sample", **MAN)["timings"]
    assert {"text", "prior", "synthesis", "encoding", "total"} <= timings.keys()
    assert timings["total"] >= timings["synthesis"]


def test_a_random_seed_is_told(client: httpx2.Client) -> None:
    (one,) = draw(client, "sample", prompt="a man")["pictures"]
    (other,) = draw(client, "sample", prompt="a man", seed=one["seed"])["pictures"]
    assert are_same(one, other)
