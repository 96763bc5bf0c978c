"""Scores and embeddings, ours and in OpenAI's shape."""

from __future__ import annotations

import base64
import math
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
from api_calls import MAN, draw
from served import Served


def test_scores_are_those_of_drawing(client: httpx2.Client, picture: dict[str, Any]) -> None:
    told = draw(client, "score", pictures=[picture["image"]], prompts=[MAN["prompt"], "a woman"])
    ((own, other),) = told["scores"]
    assert own == pytest.approx(picture["score"], abs=2e-3) and own > other
    assert told["embedder"] == "openclip:demo"


def test_texts_and_pictures_share_a_space(client: httpx2.Client, picture: dict[str, Any]) -> None:
    told = draw(client, "embed", texts=[MAN["prompt"]], pictures=[picture["image"]])
    (text,), (seen,) = told["texts"], told["pictures"]
    assert len(text) == told["dimensions"] and math.hypot(*text) == pytest.approx(1, abs=1e-5)
    assert float(np.dot(text, seen)) == pytest.approx(picture["score"], abs=2e-3)


def test_openais_client_embeds(served: Served, picture: dict[str, Any]) -> None:
    url = f"data:image/png;base64,{picture['image']}"
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none") as client:
        by_default = client.embeddings.create(model="demo-faces", input=["a man", url])
        as_float = client.embeddings.create(
            model="text-embedding-3-small", input="a man", encoding_format="float"
        )
        assert by_default.data[0].embedding == pytest.approx(as_float.data[0].embedding, abs=1e-6)
        assert [row.index for row in by_default.data] == [0, 1]
        with pytest.raises(openai.NotFoundError, match="demo-landscapes"):
            client.embeddings.create(model="unknown", input="a")
        with pytest.raises(openai.BadRequestError) as error:
            client.embeddings.create(model="demo-faces", input="a", dimensions=3)
        assert error.value.param == "dimensions"


def test_nothing_to_see(client: httpx2.Client) -> None:
    for route, body in (
        ("score", {"prompts": [], "pictures": []}),
        ("embed", {}),
        ("embed", {"pictures": [base64.b64encode(b"x").decode()]}),
    ):
        assert client.post(f"/api/v1/{route}", json=body).status_code == 400
