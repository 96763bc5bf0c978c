"""``webuiapi``, unmodified, draws; and what else its clients call."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import webuiapi
from PIL import Image
from served import Served

from c2l.service import PlainPicture
from c2l.web.a1111.lists import DONE_WITH_NOTHING, LISTS
from c2l.web.a1111.running import AllRunning, Running
from c2l.web.engine import Answer, Progress

PROMPT = "a young woman with long red hair"


@pytest.fixture(scope="module")
def api(served: Served) -> webuiapi.WebUIApi:
    address = urlsplit(served.url)
    return webuiapi.WebUIApi(host=address.hostname, port=address.port)


@pytest.fixture
def switching(client: httpx2.Client) -> Iterator[None]:
    """The server is shared: what a test sets is set back."""
    before = client.get("/sdapi/v1/options").json()
    yield
    client.post("/sdapi/v1/options", json=before)


def apart(first: Image.Image, second: Image.Image) -> float:
    """The mean difference of two pictures, in levels of 255."""
    one, other = (image.convert("RGB").resize((64, 64)).tobytes() for image in (first, second))
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def drawn(client: httpx2.Client, route: str = "txt2img", **body: Any) -> tuple[list[str], Any]:
    answer = client.post(f"/sdapi/v1/{route}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["images"], json.loads(answer.json()["info"])


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_draws(api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(
        prompt=PROMPT, negative_prompt="glasses", seed=7, batch_size=2, width=256, height=192
    )
    assert [image.size for image in result.images] == [(256, 192)] * 2
    info = result.info
    assert (info["seed"], info["all_seeds"], info["all_prompts"]) == (7, [7, 8], [PROMPT] * 2)
    assert (info["width"], info["height"], info["sd_model_name"]) == (256, 192, "demo-faces")
    prompt, negative, line = info["infotexts"][1].split("\n")
    assert (prompt, negative) == (PROMPT, "Negative prompt: glasses")
    assert line.startswith("Steps: 20, Sampler: c2l, CFG scale: 7.0, Seed: 8, Size: 256x192, ")
    assert result.parameters["prompt"] == PROMPT and "alwayson_scripts" not in result.parameters


def test_pictures_of_one_seed_are_the_same(api: webuiapi.WebUIApi) -> None:
    two = api.txt2img(prompt=PROMPT, seed=7, n_iter=2, width=128, height=128)
    one = api.txt2img(prompt=PROMPT, seed=8, width=128, height=128)
    assert apart(two.images[1], one.image) < 1
    assert apart(two.images[0], one.image) > 1


def test_no_prompt_draws_any_picture(api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(batch_size=2, seed=3, width=128, height=128)
    assert result.info["all_seeds"] == [3, 4] and apart(*result.images) > 1


def test_cfg_and_steps_are_heeded_only_on_request(client: httpx2.Client) -> None:
    def one(**body: Any) -> Image.Image:
        (image,), _ = drawn(client, prompt=PROMPT, seed=5, **body)
        return opened(image)

    plain, odd = one(), {"cfg_scale": 6, "steps": 1}
    assert apart(plain, one(**odd)) < 1
    heeded = one(**odd, override_settings={"c2l_use_cfg_and_steps": True})
    assert apart(plain, heeded) > 1
    own = one(**odd, guidance=6, num_inference_steps=1)
    assert apart(heeded, own) < 1
    _, info = drawn(client, prompt=PROMPT, **odd)
    assert info["notices"][0]["text"].startswith("`cfg_scale` and `steps` are ignored")


def test_the_size_is_the_generators_where_none_is_asked_for(client: httpx2.Client) -> None:
    (image,), info = drawn(client, prompt=PROMPT)
    assert opened(image).size == (128, 128) == (info["width"], info["height"])
    (image,), info = drawn(client, prompt=PROMPT, width=96)
    assert opened(image).size == (96, 96) and "made smaller" in info["notices"][0]["text"]


def test_weights_and_networks_in_prompts_are_left_out(client: httpx2.Client) -> None:
    (written,), info = drawn(client, prompt="(a young woman:1.3), <lora:x:1>", seed=5)
    (plain,), _ = drawn(client, prompt="a young woman", seed=5)
    assert apart(opened(written), opened(plain)) < 1
    assert info["prompt"] == "(a young woman:1.3), <lora:x:1>"


def test_whatever_stands_in_a_negative_prompt_is_text(client: httpx2.Client) -> None:
    """It neither has weights of c2l's kind, which could be mistyped, nor is too long a list."""
    negative = "style:anime, glasses:2, " + ", ".join(f"word {i}" for i in range(500))
    _, info = drawn(client, prompt=PROMPT, negative_prompt=negative)
    assert info["negative_prompt"] == negative


def test_pictures_are_left_out_on_request(client: httpx2.Client) -> None:
    images, info = drawn(client, prompt=PROMPT, send_images=False)
    assert images == [] and len(info["infotexts"]) == 1


def test_img2img_goes_from_the_picture_to_the_prompt(client: httpx2.Client) -> None:
    (start,), _ = drawn(client, prompt=PROMPT, seed=5)
    (end,), _ = drawn(client, prompt="a man with a beard", seed=9)
    body = {"init_images": [start], "prompt": "a man with a beard", "seed": 9}
    ways = [drawn(client, "img2img", **body, denoising_strength=at) for at in (0, 0.5, 1)]
    from_start = [apart(opened(start), opened(image)) for (image,), _ in ways]
    assert from_start[0] < 1 < from_start[1] < from_start[2]
    assert apart(opened(end), opened(ways[2][0][0])) < 1
    assert ways[1][1]["extra_generation_params"] == {"Made from": "record"}


def test_img2img_of_any_other_picture(api: webuiapi.WebUIApi) -> None:
    result = api.img2img(
        images=[Image.new("RGB", (50, 80), "teal")], prompt=PROMPT, batch_size=2, seed=1
    )
    assert [image.size for image in result.images] == [(512, 512)] * 2
    assert result.info["extra_generation_params"] == {"Made from": "pixels"}
    assert "init_images" not in result.parameters


def test_img2img_without_another_prompt_varies(client: httpx2.Client) -> None:
    (start,), _ = drawn(client, prompt=PROMPT, seed=5)
    for prompt in (PROMPT, ""):
        near, far = (
            drawn(client, "img2img", init_images=[start], prompt=prompt, seed=1,
                  denoising_strength=at)[0][0]
            for at in (0.2, 1)
        )  # fmt: skip
        assert apart(opened(start), opened(near)) < apart(opened(start), opened(far))


def test_options_switch_the_recipe(api: webuiapi.WebUIApi, switching: None) -> None:
    assert api.util_get_model_names() == ["demo-faces", "demo-landscapes"]
    assert api.util_get_current_model() == "demo-faces"
    api.util_set_model("demo-landscapes")
    assert api.util_get_current_model() == "demo-landscapes"
    result = api.txt2img(prompt="tropical beach", width=128, height=128)
    assert result.info["sd_model_name"] == "demo-landscapes"
    other = {"sd_model_checkpoint": "demo-faces [0123abcd]"}
    result = api.txt2img(prompt=PROMPT, width=128, height=128, override_settings=other)
    assert result.info["sd_model_name"] == "demo-faces"
    assert api.util_get_current_model() == "demo-landscapes"


def test_another_checkpoint_is_not_found(client: httpx2.Client) -> None:
    answer = client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "sd_xl.safetensors"})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "model_not_found"
    assert client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == "demo-faces"


def test_lists_that_clients_take_the_first_of_are_not_empty(client: httpx2.Client) -> None:
    for name in ("samplers", "schedulers", "upscalers", "latent-upscale-modes"):
        assert all(entry["name"] for entry in client.get(f"/sdapi/v1/{name}").json())
    for name, value in LISTS.items():
        assert client.get(f"/sdapi/v1/{name}").json() == value
    for name in DONE_WITH_NOTHING:
        assert client.post(f"/sdapi/v1/{name}").status_code == 200
    assert client.get("/sdapi/v1/memory").json()["ram"]["used"] > 0


def test_png_info(api: webuiapi.WebUIApi, client: httpx2.Client) -> None:
    (image,), _ = drawn(client, prompt=PROMPT, seed=5)
    answer = client.post("/sdapi/v1/png-info", json={"image": image}).json()
    assert answer["info"] == answer["items"]["parameters"]
    assert answer["info"].startswith(f"{PROMPT}\nSeed: 5, ")
    assert answer["parameters"]["Prompt"] == PROMPT and answer["parameters"]["Seed"] == "5"
    assert json.loads(answer["items"]["c2l"])["recipe"] == "demo-faces"
    assert api.png_info(Image.new("RGB", (8, 8))).info == ""


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("txt2img", {"batch_size": 0}, "batch_size"),
    ("txt2img", {"batch_size": 10_000}, "batch_size"),
    ("txt2img", {"width": 30_000, "height": 30_000}, "width"),
    ("txt2img", {"seed": "no"}, "seed"),
    ("txt2img", {"prompt": 5}, "prompt"),
    ("txt2img", {"prompt": "x" * 100_000}, "prompt"),
    ("txt2img", {"override_settings": []}, "override_settings"),
    ("txt2img", {"guidance": -1}, "guidance"),
    ("img2img", {}, "init_images"),
    ("img2img", {"init_images": []}, "init_images"),
    ("img2img", {"init_images": ["no picture"]}, "init_images"),
    ("img2img", {"init_images": ["http://127.0.0.1/"]}, "init_images"),
    ("png-info", {"image": ""}, "image"),
    ("png-info", {"image": "UEsDBA=="}, "image"),
    ("png-info", {}, "image"),
]


@pytest.mark.parametrize(("route", "body", "param"), BAD)
def test_bad_values(client: httpx2.Client, route: str, body: dict[str, Any], param: str) -> None:
    answer = client.post(f"/sdapi/v1/{route}", json={"prompt": PROMPT, **body})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == param


def test_nonsense_without_meaning_is_ignored(client: httpx2.Client) -> None:
    drawn(
        client,
        prompt=PROMPT,
        seed=None,
        sampler_name=7,
        scheduler={"no": "such"},
        alwayson_scripts="controlnet",
        styles=None,
        hr_scale="big",
        steps=-4,
        cfg_scale=1e9,
        denoising_strength=[],
    )


def a_picture(seed: int) -> Any:
    return PlainPicture(1, 1, b"\0\0\0", seed, "", None, {}, None, {})  # type: ignore[arg-type]


def test_an_interrupted_request_answers_with_what_is_finished() -> None:
    async def scene() -> Answer:
        everybody = AllRunning()
        ours, theirs = Running("us", 3), Running("them", 1)

        async def draw(report: Any) -> Answer:
            report(Progress(1, 3, a_picture(7)))
            report(Progress(1, 3))
            await asyncio.sleep(60)
            raise AssertionError

        tasks = [asyncio.ensure_future(everybody.answer(one, draw)) for one in (ours, theirs)]
        await asyncio.sleep(0.01)
        assert [one.who for one in everybody.of("us")] == ["us"]
        assert len(everybody.of("us")[0].pictures) == 1
        for one in everybody.of("us"):
            one.interrupt()
        answer = await tasks[0]
        assert not everybody.of("us") and not tasks[1].done()
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert not everybody.of("them")
        return answer

    assert [picture.seed for picture in asyncio.run(scene()).pictures] == [7]


def test_progress_of_nothing(client: httpx2.Client) -> None:
    told = client.get("/sdapi/v1/progress?skip_current_image=true").json()
    assert told["progress"] == 0 and told["state"]["job_count"] == 0
    assert client.post("/sdapi/v1/interrupt").json() == {}


def test_an_interrupted_client_gets_what_was_drawn(served: Served, client: httpx2.Client) -> None:
    """As SillyTavern interrupts it, from another connection."""
    body = {"prompt": PROMPT, "batch_size": 48, "best_of": 16}
    with ThreadPoolExecutor(1) as pool, served.client() as other:
        drawing = pool.submit(lambda: other.post("/sdapi/v1/txt2img", json=body))
        state: dict[str, Any] = {"job_count": 0}
        while not state["job_count"]:
            assert not drawing.done(), drawing.result().text
            state = client.get("/sdapi/v1/progress").json()["state"]
        client.post("/sdapi/v1/interrupt")
        answer = drawing.result()
    assert answer.status_code == 200 and len(answer.json()["images"]) < 48
    assert json.loads(answer.json()["info"])["seed"] >= 0
    assert client.get("/sdapi/v1/progress").json()["progress"] == 0
