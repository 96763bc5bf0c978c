"""OpenAI's own package, unmodified: lists, draws, edits, varies, and gets its own exceptions."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
import webuiapi
from PIL import Image
from served import Served, serving

from c2l.web.engine import Full, Status

PROMPT = "a young woman with long red hair"


@pytest.fixture(scope="module")
def api(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as found:
        yield found


@pytest.fixture(scope="module")
def png(api: openai.OpenAI) -> bytes:
    """A picture of c2l, with its record."""
    answer = api.images.generate(prompt=PROMPT, extra_body={"seed": 5})
    return file_of(answer.data)


def file_of(data: Any) -> bytes:
    (picture,) = data
    return base64.b64decode(picture.b64_json)


def opened(picture: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture.b64_json)))


def jpeg_of(png: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def far_apart(first: Image.Image, second: Image.Image) -> float:
    """The mean difference of two pictures, in levels of 255."""
    one, other = (image.convert("RGB").resize((64, 64)).tobytes() for image in (first, second))
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def texts(answer: Any) -> list[str]:
    return [notice["text"] for notice in answer.notices]


def test_models(api: openai.OpenAI) -> None:
    assert [model.id for model in api.models.list()] == ["demo-faces", "demo-landscapes"]
    model: Any = api.models.retrieve("demo-landscapes")
    assert model.id == "demo-landscapes" and model.owned_by == "c2l"
    assert model.licences["stylegan:demo-landscapes"] == "Apache-2.0"
    with pytest.raises(openai.NotFoundError):
        api.models.retrieve("none-of-these")


def test_draws(api: openai.OpenAI) -> None:
    answer: Any = api.images.generate(prompt=PROMPT, n=2, extra_body={"seed": 7})
    assert [picture.seed for picture in answer.data] == [7, 8]
    assert all(0.3 < picture.score < 1 for picture in answer.data)
    assert answer.size == answer.drawn_size == "128x128" and answer.output_format == "png"
    assert answer.model == "demo-faces" and answer.notices == [] and answer.usage is None
    assert [opened(picture).format for picture in answer.data] == ["PNG", "PNG"]
    (alone,) = api.images.generate(prompt=PROMPT, extra_body={"seeds": "8"}).data or ()
    assert far_apart(opened(alone), opened(answer.data[1])) < 1


def test_its_own_names_mean_the_default_recipe_and_that_is_said(api: openai.OpenAI) -> None:
    for name in ("dall-e-3", "gpt-image-2.5-flare", "chatgpt-image-latest"):
        answer: Any = api.images.generate(prompt=PROMPT, model=name)
        assert answer.model == "demo-faces"
        assert texts(answer) == [f"{name} is not here; demo-faces draws instead"]
    answer = api.images.generate(prompt="tropical beach", model="demo-landscapes")
    assert answer.model == "demo-landscapes"


def test_auto_is_accepted_everywhere(api: openai.OpenAI) -> None:
    answer: Any = api.images.generate(
        prompt=PROMPT, model="auto", size="auto", quality="auto", background="auto",
        moderation="auto", style=None, user="", extra_body={"guidance": "auto", "seed": "auto"},
    )  # fmt: skip
    assert answer.notices == [] and answer.size == "128x128"


def test_sizes_cover_and_are_said(api: openai.OpenAI) -> None:
    asked = {"prompt": PROMPT, "extra_body": {"seed": 7}}
    plain, wide = (api.images.generate(**asked, size=size) for size in (None, "256x128"))  # type: ignore[arg-type]
    assert plain.data and wide.data
    picture = opened(wide.data[0])
    assert picture.size == (256, 128) and wide.size == "256x128"
    (said,) = texts(wide)
    assert said == "the generator draws 128x128; each picture was enlarged and cut to 256x128"
    middle = opened(plain.data[0]).resize((256, 256), Image.Resampling.LANCZOS)
    assert far_apart(picture, middle.crop((0, 64, 256, 192))) < 1
    assert "c2l" in picture.info  # the record draws the picture again, in whatever size it is


@pytest.mark.parametrize("format", ["webp", "jpeg", "gif"])
def test_formats(api: openai.OpenAI, format: Any) -> None:
    answer = api.images.generate(prompt=PROMPT, output_format=format, output_compression=50)
    assert answer.data and answer.output_format == format
    assert opened(answer.data[0]).format == format.upper()


def test_compression_makes_files_smaller(api: openai.OpenAI) -> None:
    sizes = [
        len(file_of(api.images.generate(
            prompt=PROMPT, output_format="jpeg", output_compression=quality, extra_body={"seed": 1}
        ).data))
        for quality in (0, 50, 100)
    ]  # fmt: skip
    assert sizes == sorted(sizes) and sizes[0] < sizes[2] / 4


def test_a_url_is_given_only_if_asked_for(api: openai.OpenAI, client: httpx2.Client) -> None:
    answer = api.images.generate(prompt=PROMPT, response_format="url", output_format="webp")
    (picture,) = answer.data or ()
    assert picture.b64_json is None and picture.url and picture.url.endswith(".webp")
    got = client.get(picture.url)
    assert got.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(got.content)).format == "WEBP"
    name = picture.url.rpartition("/")[2]
    assert len(name) > 40  # nobody guesses 256 bits
    assert client.get(picture.url.replace(name, "x" + name[1:])).status_code == 404


def test_names_of_others_and_c2ls_own(api: openai.OpenAI) -> None:
    def drawn(**own: Any) -> Image.Image:
        (picture,) = api.images.generate(prompt=PROMPT, extra_body={"seed": 5, **own}).data or ()
        return opened(picture)

    plain = drawn()
    assert far_apart(plain, drawn(truncation=0.0)) > 5
    for own, alias in (
        ({"steps": 1}, {"num_inference_steps": 1}),
        ({"guidance": 4.0}, {"guidance_scale": 4.0}),
        ({"negative": "hat"}, {"negative_prompt": "hat"}),
        ({}, {"seed": None, "rng_seed": 5}),
    ):
        assert far_apart(drawn(**own), drawn(**alias)) < 1
        assert not own or far_apart(plain, drawn(**own)) > 1


def test_words_that_are_not_read_are_said(api: openai.OpenAI, png: bytes) -> None:
    drawn: Any = api.images.generate(prompt="a man zyxting", extra_body={"steps": 1})
    edited: Any = api.images.edit(image=jpeg_of(png), prompt="zyxting")
    for answer in (drawn, edited):
        assert "does not know 'zyxting'" in texts(answer)[0]


def test_fields_that_are_not_known_are_said_in_short(client: httpx2.Client) -> None:
    fields = dict.fromkeys(map(str, range(1000)), 1)
    answer = client.post("/v1/images/generations", json={"prompt": PROMPT, **fields}).json()
    assert len(answer["notices"]) == 6
    assert answer["notices"][-1]["text"] == "995 more are ignored"


def test_a_misspelt_field_is_said(api: openai.OpenAI) -> None:
    answer: Any = api.images.generate(prompt=PROMPT, extra_body={"guidence": 3})
    assert texts(answer) == ["`guidence` is not known here, and is ignored"]


def test_streams_partial_pictures(api: openai.OpenAI) -> None:
    asked: Any = {"prompt": PROMPT, "extra_body": {"seed": 5}, "quality": "high"}
    events: list[Any] = list(api.images.generate(**asked, stream=True, partial_images=3))
    *partial, last = events
    assert [event.type for event in partial] == ["image_generation.partial_image"] * 3
    assert [event.partial_image_index for event in partial] == [0, 1, 2]
    assert last.type == "image_generation.completed" and last.usage.total_tokens == 0
    assert last.size == "128x128" and last.quality == "high" and last.seed == 5
    (whole,) = api.images.generate(**asked).data or ()
    apart = [far_apart(opened(event), opened(whole)) for event in events]
    assert apart[-1] < 1 and apart[0] > apart[2] > apart[-1]


def test_a_stream_may_have_no_partial_picture(api: openai.OpenAI) -> None:
    (event,) = api.images.generate(prompt=PROMPT, stream=True)
    assert event.type == "image_generation.completed"


def test_a_bad_stream_is_refused_before_it_begins(api: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        api.images.generate(prompt=PROMPT, stream=True, extra_body={"guidance": -1})


def test_edits_a_picture_of_c2l_by_its_latents(api: openai.OpenAI, png: bytes) -> None:
    answer: Any = api.images.edit(
        image=("a.png", png, "image/png"), prompt="with eyeglasses", extra_body={"seed": 3}
    )
    assert answer.made_from == "record" and answer.notices == []
    (picture,) = answer.data
    # Glasses, and the same person.
    assert picture.seed == 3 and 0.5 < far_apart(Image.open(io.BytesIO(png)), opened(picture)) < 20


def test_edits_any_other_picture_by_what_it_shows(api: openai.OpenAI, png: bytes) -> None:
    answer: Any = api.images.edit(
        image=[("a.jpg", jpeg_of(png), "image/jpeg"), ("b.png", png, "image/png")],
        mask=png,
        prompt="with eyeglasses",
        extra_body={"seeds": [4, 9], "input_fidelity": "high"},
    )
    assert answer.made_from == "pixels" and [picture.seed for picture in answer.data] == [4, 9]
    assert texts(answer) == [
        "`mask` is ignored: the whole picture may change",
        "only the first of 2 pictures is taken",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_record_names_the_recipe(api: openai.OpenAI) -> None:
    beach = file_of(api.images.generate(prompt="tropical beach", model="demo-landscapes").data)
    answer: Any = api.images.create_variation(image=beach)
    assert (answer.model, answer.made_from) == ("demo-landscapes", "record")
    answer = api.images.create_variation(image=beach, model="demo-faces")
    assert (answer.model, answer.made_from) == ("demo-faces", "pixels")
    assert "its pixels are taken instead" in texts(answer)[0]


def test_streams_an_edit(api: openai.OpenAI, png: bytes) -> None:
    asked: Any = {"prompt": "with eyeglasses", "stream": True, "partial_images": 2}
    first, last = api.images.edit(image=png, **asked)
    assert (first.type, last.type) == ("image_edit.partial_image", "image_edit.completed")
    assert far_apart(opened(first), Image.open(io.BytesIO(png))) < 1
    *partial, last = api.images.edit(image=jpeg_of(png), **asked)
    assert len(partial) == 2 and last.type == "image_edit.completed"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_varies(api: openai.OpenAI, png: bytes) -> None:
    before = Image.open(io.BytesIO(png))

    def apart(**own: Any) -> float:
        answer: Any = api.images.create_variation(image=png, extra_body={"seed": 1, **own})
        assert answer.made_from == "record"
        return far_apart(before, opened(answer.data[0]))

    assert apart(amount=0) < 1 < apart(amount=0.3) < apart(amount=1)
    like: Any = api.images.create_variation(image=jpeg_of(png), n=2, size="256x256")
    assert like.made_from == "pixels" and len(like.data) == 2 and like.size == "256x256"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt"),
    ({"prompt": " \n"}, "prompt"),
    ({"prompt": "x" * 100_000}, "prompt"),
    ({"prompt": "a\ud800"}, "prompt"),
    ({"n": 0}, "n"),
    ({"n": 10_000}, "n"),
    ({"n": "many"}, "n"),
    ({"size": "large"}, "size"),
    ({"size": "30000x30000"}, "size"),
    ({"size": "0x5"}, "size"),
    ({"output_format": "svg"}, "output_format"),
    ({"output_compression": 101}, "output_compression"),
    ({"response_format": "file"}, "response_format"),
    ({"partial_images": 4}, "partial_images"),
    ({"guidance": "much"}, "guidance"),
    ({"steps": 10**9}, "steps"),
    ({"seed": -7}, "seed"),
    ({"seeds": []}, "seeds"),
    ({"best_of": 10**6}, "best_of"),
    ({"truncation": 1e300}, "truncation"),
    ({"negative": {"a": -1}}, "negative"),
]


@pytest.mark.parametrize(("fields", "param"), BAD)
def test_bad_values(client: httpx2.Client, fields: dict[str, Any], param: str) -> None:
    body = json.dumps({"prompt": PROMPT, **fields})
    answer = client.post("/v1/images/generations", content=body)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["param"], error["type"]) == (param, "invalid_request_error")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"a"', b'{"prompt": NaN}', b"\xff"])
def test_bodies_that_are_no_object(client: httpx2.Client, body: bytes) -> None:
    answer = client.post("/v1/images/generations", content=body)
    assert answer.status_code == 400 and answer.json()["error"]["message"]


FILES: list[tuple[bytes, str]] = [
    (b"", "it is empty"),
    (b"PK\x03\x04 a zip", "a zip archive"),
    (b"<svg/>", "an SVG"),
    (b"\x89PNG\r\n\x1a\n cut", "picture"),
]


@pytest.mark.parametrize(("data", "why"), FILES)
@pytest.mark.parametrize("route", ["edits", "variations"])
def test_files_that_are_no_pictures(
    client: httpx2.Client, route: str, data: bytes, why: str
) -> None:
    files = {"image": ("../../etc/passwd.png", data, "image/png")}
    answer = client.post(f"/v1/images/{route}", data={"prompt": "a man"}, files=files)
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["param"] == "image" and why in error["message"]


@pytest.mark.parametrize(
    "fields",
    [{}, {"image": "http://localhost/x.png"}, {"image": "%%"}, {"image": 7}, {"image": [1]}],
)
def test_pictures_in_json_that_are_none(client: httpx2.Client, fields: dict[str, Any]) -> None:
    answer = client.post("/v1/images/edits", json={"prompt": "a man", **fields})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "image"


def test_a_picture_in_json(client: httpx2.Client, png: bytes) -> None:
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    for fields in ({"image": url}, {"images": [{"image_url": url}]}):
        answer = client.post("/v1/images/variations", json=fields)
        assert answer.json()["made_from"] == "record"


def test_its_exceptions(api: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        api.images.generate(prompt=PROMPT, extra_body={"guidance": 1000})
    assert (bad.value.code, bad.value.param) == ("bad_input", "guidance")
    with pytest.raises(openai.NotFoundError) as missing:
        api.images.generate(prompt=PROMPT, model="stable-diffusion")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert "demo-faces, demo-landscapes" in missing.value.message


class Busy:
    """An engine that has too much to do."""

    asked = 0

    async def start(self) -> None:
        pass

    async def do(self, work: Any, **how: Any) -> Any:
        self.asked += 1
        raise Full("the server has as much to do as it takes on", retry_after=0)

    def begin_draining(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def status(self) -> Status:
        return Status(ready=True, draining=False, waiting=0, running=0)


def test_too_many_requests_and_a_missing_token(caplog: pytest.LogCaptureFixture) -> None:
    engine: Any = Busy()
    caplog.set_level(logging.INFO, "c2l.access")
    with serving(engine, token="open-sesame-1") as served:
        with openai.OpenAI(base_url=f"{served.url}/v1", api_key="wrong") as api:
            with pytest.raises(openai.AuthenticationError) as wrong:
                api.models.list()
            assert wrong.value.code == "invalid_api_key"
        with openai.OpenAI(base_url=f"{served.url}/v1", api_key="open-sesame-1") as api:
            assert len(api.models.list().data) == 2
            with pytest.raises(openai.RateLimitError) as busy:
                api.images.generate(prompt=PROMPT)
            assert busy.value.code == "queue_full"
            assert engine.asked == 3  # it asks twice again
        address = urlsplit(served.url)
        basic = webuiapi.WebUIApi(
            host=address.hostname, port=address.port, username="any", password="open-sesame-1"
        )
        assert basic.util_get_model_names() == ["demo-faces", "demo-landscapes"]
        kept = served.app.state.kept_pictures.keep(b"file", "image/png", "png")
        with served.client() as nobody:  # an address that was given away needs no token
            assert nobody.get(f"/v1/pictures/{kept}").content == b"file"
    assert "/v1/pictures/*" in caplog.text and kept not in caplog.text
