"""Edits: each takes pictures as records, PNGs, prompts, seeds or latents, and answers records."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from api_calls import MAN, are_same, draw, image_of

DIRECTION = {"start": "a sad face", "end": "a smiling face"}


@pytest.fixture(scope="module")
def direction(client: httpx2.Client) -> dict[str, Any]:
    return draw(client, "direction", **DIRECTION)


def test_all_ends_are_the_same_picture(client: httpx2.Client, picture: dict[str, Any]) -> None:
    latents = {name: picture["latents"][name] for name in ("shape", "data")}
    ends = [
        {"record": picture["record"]},
        {"png": picture["image"]},
        {"png": f"data:image/png;base64,{picture['image']}"},
        MAN,
        {"latents": latents},
    ]
    pictures = draw(client, "vary", of=ends, amount=0, num=1)["pictures"]
    assert len(pictures) == len(ends)
    assert all(are_same(one, picture, tolerance=2) for one in pictures)


def test_neighbours_have_the_seeds_that_follow(
    client: httpx2.Client, picture: dict[str, Any]
) -> None:
    answer = draw(client, "vary", of=[{"record": picture["record"]}], amount=0.4, num=2)
    assert [p["seed"] for p in answer["pictures"]] == [8, 9]
    other = draw(client, "vary", of=[MAN], num=2, seed=70, images=False)
    assert [p["seed"] for p in other["pictures"]] == [70, 71]


def test_a_mix_is_drawn_for_each_list_of_layers(client: httpx2.Client) -> None:
    answer = draw(client, "mix", base=MAN, other={"seed": 9}, layers=["0-3", "0-11"], images=False)
    all_of_it = answer["pictures"][1]["record"]["latents"]
    assert all_of_it["layers"] == list(range(12)) and all_of_it["other"]["seed"] == 9


def test_a_walk_has_frames_and_a_strip(client: httpx2.Client, picture: dict[str, Any]) -> None:
    ends = [{"record": picture["record"]}, {"prompt": "a kid", "seed": 3}]
    answer = draw(client, "walk", ends=ends, frames=4, spacing="path", strip=True, max_size=40)
    assert [p["width"] for p in answer["pictures"]] == [40] * 4
    assert image_of(answer["strip"]).size == (160, 40)
    whole = draw(client, "walk", ends=ends, frames=2, spacing="path")
    assert are_same(whole["pictures"][0], picture) and whole["strip"] is None


def test_a_direction_by_its_words_and_by_its_numbers(
    client: httpx2.Client, picture: dict[str, Any], direction: dict[str, Any]
) -> None:
    of = [{"record": picture["record"]}]
    by_words = draw(client, "move", of=of, moves=[{"direction": DIRECTION, "strength": 0.7}])
    told = direction["direction"]
    by_numbers = draw(client, "move", of=of, moves=[{"direction": told, "strength": 0.7}])
    (one,), (other,) = by_words["pictures"], by_numbers["pictures"]
    assert are_same(one, other) and not are_same(one, picture)
    assert direction["made"]["by"] == "prompts" and direction["measures"]["seen"] > 0


def test_several_directions_at_once_and_several_strengths(
    client: httpx2.Client, picture: dict[str, Any], direction: dict[str, Any]
) -> None:
    of, told = [{"record": picture["record"]}], direction["direction"]
    twice = [{"direction": told, "strength": 0.5}, {"direction": told, "strength": 0.5}]
    (both,) = draw(client, "move", of=of, moves=twice)["pictures"]
    none, one = draw(client, "move", of=of, moves=[{"direction": told}], strengths=[0, 1])[
        "pictures"
    ]
    assert are_same(none, picture) and are_same(both, one)


def test_edits_are_chained_by_records_alone(
    client: httpx2.Client, picture: dict[str, Any], direction: dict[str, Any]
) -> None:
    of = [{"record": picture["record"]}]
    (moved,) = draw(client, "move", of=of, moves=[{"direction": direction["direction"]}])[
        "pictures"
    ]
    (varied,) = draw(client, "vary", of=[{"record": moved["record"]}], amount=0.2, num=1)[
        "pictures"
    ]
    (again,) = draw(client, "records/draw", records=[varied["record"]])["pictures"]
    assert are_same(varied, again)


def test_the_recipe_is_that_of_the_record(client: httpx2.Client) -> None:
    (beach,) = draw(client, "sample", recipe="demo-landscapes", prompt="tropical beach", seed=1)[
        "pictures"
    ]
    (near,) = draw(client, "vary", of=[{"record": beach["record"]}], num=1)["pictures"]
    assert near["record"]["recipe"] == "demo-landscapes"
    other = client.post(
        "/api/v1/vary", json={"of": [{"record": beach["record"]}], "recipe": "demo-faces"}
    )
    assert other.status_code == 400 and "demo-landscapes" in other.json()["error"]["message"]


def test_one_more_thing(client: httpx2.Client, picture: dict[str, Any]) -> None:
    of = [{"record": picture["record"]}]
    (shown,) = draw(client, "adhere", of=of, to="with sunglasses")["pictures"]
    assert shown["record"]["latents"]["name"] == "with sunglasses"


def test_a_video_is_a_file(client: httpx2.Client, picture: dict[str, Any]) -> None:
    ends = [{"record": picture["record"]}, {"seed": 3}]
    body = {"ends": ends, "frames": 3, "spacing": "path", "format": "gif", "fps": 10}
    answer = client.post("/api/v1/video", json=body)
    assert answer.headers["content-type"] == "image/gif" and answer.content[:3] == b"GIF"
    assert answer.headers["content-disposition"] == 'attachment; filename="c2l.gif"'


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("vary", {"of": [{}]}, "of"),
        ("vary", {"of": [{"prompt": "a", "record": {}}]}, "of"),
        ("vary", {"of": [{"seed": 1, "guidance": 2}]}, "of"),
        ("vary", {"of": [MAN], "num": 65}, "num"),
        ("mix", {"base": MAN, "other": MAN, "layers": "0-99"}, "layers"),
        ("walk", {"ends": [MAN], "frames": 4}, "ends"),
        ("walk", {"ends": [MAN, MAN], "frames": 600}, "frames"),
        ("move", {"of": [MAN], "moves": [{"direction": {"start": "a"}}]}, "start"),
        ("move", {"of": [MAN], "moves": [{"direction": {"component": 10**9}}]}, "component"),
        ("video", {"ends": [MAN, MAN], "format": "exe"}, "format"),
        ("video", {"ends": [MAN, MAN], "fps": 1e-9}, "fps"),
        ("move", {"of": [MAN], "moves": [{"direction": DIRECTION}] * 2, "strengths": [1]}, "stren"),
    ],
)
def test_what_cannot_be_edited(
    client: httpx2.Client, route: str, body: dict[str, Any], param: str
) -> None:
    answer = client.post(f"/api/v1/{route}", json=body)
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["param"].startswith(param), error


def test_numbers_of_another_generator(client: httpx2.Client) -> None:
    along = {"op": "given", "shape": [1, 2], "data": "AACAPwAAAAA="}
    body = {"of": [MAN], "moves": [{"direction": {"along": along, "name": "x"}}]}
    answer = client.post("/api/v1/move", json=body)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "along"
