"""``/v1/embeddings``, as OpenAI's clients send and expect it."""

from __future__ import annotations

import array
import base64
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from c2l.web.api.asking import carried_out
from c2l.web.api.seeing import MOST_TEXTS, EmbedBody, Words, unit
from c2l.web.connection import offer_of, while_connected
from c2l.web.documented import errors, example
from c2l.web.errors import ApiError
from c2l.web.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute)

_PICTURE = "data:image/"
"""How an input begins that is a picture, not a text."""


class EmbeddingsBody(BaseModel):
    """Texts, and pictures as data URLs.

    Args:
        model: a recipe; names of OpenAI's models mean the default one.
        encoding_format: base64 is that of float32, little-endian.
        dimensions: has to be that of the embedder, if it is given.
        user: ignored.
    """

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"model": "demo-faces", "input": ["a happy man"]}]},
    )

    input: Words | Annotated[list[Words], Field(min_length=1, max_length=MOST_TEXTS)]
    model: Annotated[str, Field(max_length=200)] = ""
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None


class EmbeddingOut(BaseModel):
    """One embedding, of unit length."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(BaseModel):
    """Tokens are not counted here."""

    prompt_tokens: int = 0
    total_tokens: int = 0


class EmbeddingsOut(BaseModel):
    """Embeddings in the order of the input."""

    object: Literal["list"] = "list"
    model: str
    data: list[EmbeddingOut]
    usage: Usage = Usage()


_EXAMPLE = {
    "object": "list",
    "model": "demo-faces",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}],
    "usage": {"prompt_tokens": 0, "total_tokens": 0},
}


@router.post("/embeddings", tags=["openai"], summary="Embed texts and pictures",
             responses={**errors(), **example(_EXAMPLE)})  # fmt: skip
async def embeddings(body: EmbeddingsBody, request: Request) -> EmbeddingsOut:
    """Texts and pictures share one space: their cosines can be compared."""
    inputs = [body.input] if isinstance(body.input, str) else body.input
    recipe = _recipe_of(request, body.model)
    pictures = [one.startswith(_PICTURE) for one in inputs]
    asked = EmbedBody(
        texts=[one for one, is_picture in zip(inputs, pictures, strict=True) if not is_picture],
        pictures=[one for one, is_picture in zip(inputs, pictures, strict=True) if is_picture],
        recipe=recipe,
    )
    answer, _ = await while_connected(request, carried_out(request, asked))
    found: Sequence[Sequence[float]] = answer.values["embeddings"]
    texts, seen = iter(found[: len(asked.texts)]), iter(found[len(asked.texts) :])
    rows = [unit(next(seen if is_picture else texts)) for is_picture in pictures]
    if body.dimensions is not None and body.dimensions != len(rows[0]):
        raise ApiError(
            400,
            f"the embeddings of {recipe} have {len(rows[0])} dimensions",
            param="dimensions",
            code="bad_input",
        )
    return EmbeddingsOut(
        model=recipe,
        data=[
            EmbeddingOut(index=index, embedding=_encoded(row, body.encoding_format))
            for index, row in enumerate(rows)
        ],
    )


def _recipe_of(request: Request, model: str) -> str:
    offer = offer_of(request)
    if model in offer.recipes:
        return model
    if not model or model.startswith("text-embedding-"):
        return offer.default
    raise ApiError(
        404,
        f"there is no model '{model:.80}' here; there is {', '.join(offer.recipes)}",
        param="model",
        code="model_not_found",
    )


def _encoded(row: Sequence[float], encoding: str) -> list[float] | str:
    if encoding == "float":
        return list(row)
    numbers = array.array("f", row)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
