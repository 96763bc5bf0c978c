"""The bodies that ask what the embedder sees: scores and embeddings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from c2l import service
from c2l.web.api.asked import A_PIXEL, Asked, Base64
from c2l.web.api.pictures import Noticed, noticed
from c2l.web.engine import Answer, Embed, Score, Work
from c2l.web.uploads import read_photo

MOST_TEXTS = 256
Words = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Words], Field(max_length=MOST_TEXTS)]
Pictures = Annotated[list[Base64], Field(max_length=MOST_TEXTS)]


def _photos(pictures: list[str]) -> tuple[service.Photo, ...]:
    return tuple(
        read_photo(service.bytes_of(picture, field="pictures"), "pictures") for picture in pictures
    )


class ScoreOut(Noticed):
    """How well pictures show texts.

    Args:
        scores: a row for each picture, in which is the cosine of each prompt.
        embedder: that sees them; scores of different embedders cannot be compared.
    """

    scores: list[list[float]]
    embedder: str


class ScoreBody(Asked):
    """How well pictures of any origin show texts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"prompts": ["a man", "a woman"], "pictures": [A_PIXEL]}]}
    )
    kind: ClassVar[str] = "score"

    prompts: Annotated[Texts, Field(min_length=1)]
    pictures: Annotated[Pictures, Field(min_length=1)]

    def work(self) -> Work:
        return Score(
            photos=_photos(self.pictures),
            texts=tuple(self.prompts),
            recipe=self.recipe or "",
            prior=self.prior or "",
        )

    def answered(self, answer: Answer, milliseconds: float) -> ScoreOut:
        return ScoreOut(
            **answer.values, notices=noticed(answer), timings={"total": round(milliseconds, 2)}
        )


class EmbedOut(Noticed):
    """Embeddings, each of unit length.

    Args:
        texts, pictures: one for each that was sent.
        dimensions: how long they are.
    """

    texts: list[list[float]]
    pictures: list[list[float]]
    dimensions: int
    embedder: str


class EmbedBody(Asked):
    """Embeddings of texts and of pictures of any origin, in the one space of the embedder."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"texts": ["a happy man"], "pictures": [A_PIXEL]}]}
    )
    kind: ClassVar[str] = "embed"

    texts: Texts = Field(default_factory=list)
    pictures: Pictures = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_something(self) -> Self:
        if not (self.texts or self.pictures):
            raise ValueError("there is nothing to embed: give `texts` or `pictures`")
        return self

    def work(self) -> Work:
        return Embed(
            texts=tuple(self.texts),
            photos=_photos(self.pictures),
            recipe=self.recipe or "",
            prior=self.prior or "",
        )

    def answered(self, answer: Answer, milliseconds: float) -> EmbedOut:
        found = [unit(embedding) for embedding in answer.values["embeddings"]]
        return EmbedOut(
            texts=found[: len(self.texts)],
            pictures=found[len(self.texts) :],
            dimensions=len(found[0]),
            embedder=answer.values["embedder"],
            notices=noticed(answer),
            timings={"total": round(milliseconds, 2)},
        )


def unit(embedding: Sequence[float]) -> list[float]:
    """An embedding of length 1."""
    length = math.hypot(*embedding) or 1.0
    return [round(value / length, 7) for value in embedding]
