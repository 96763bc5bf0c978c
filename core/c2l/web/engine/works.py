"""The works that many routes need."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from c2l import service
from c2l.service import DrawRequest, PlainPicture
from c2l.web.engine.engine import Answer
from c2l.web.engine.work import Bench, Dropped, Work
from c2l.web.limits import check_draw, check_texts

if TYPE_CHECKING:
    from c2l.service import Photo
    from c2l.web.settings import Limits


@dataclass(frozen=True)
class Draw(Work):
    """Pictures of prompts, or of one operation on latents.

    Args:
        asked: what to draw. Without a seed a random one is picked here: the answer tells it.
    """

    asked: DrawRequest

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", self.asked.with_seeds())

    @property
    def weight(self) -> int:
        # A step of gradient descent costs about three pictures.
        each = self.asked.most_candidates + 3 * (self.asked.optimise or 0)
        return self.asked.num_pictures * each

    def check(self, limits: Limits) -> None:
        check_draw(self.asked, limits)

    @property
    def group(self) -> Hashable | None:
        return service.together_key(self.asked)

    def pieces(self, most: int) -> Sequence[Work]:
        return [Draw(asked, recipe=self.recipe, prior=self.prior)
                for asked in service.in_pieces(self.asked, most)]  # fmt: skip

    def carry_out(self, bench: Bench) -> Answer:
        # Of candidates, ``carry_out_together`` takes care: what comes here has no prompt.
        drawn = bench.session.draw(bench.request(self.asked))
        return bench.answer(bench.drawn(drawn, self.asked.num_pictures))

    @classmethod
    def carry_out_together(
        cls, works: Sequence[Self], benches: Sequence[Bench]
    ) -> Iterator[Answer]:
        def stop_if_all_left(*_: int) -> None:
            if all(bench.is_dropped() for bench in benches):
                raise Dropped

        drawn = service.draw_together(
            benches[0].session,
            [bench.request(work.asked) for work, bench in zip(works, benches, strict=True)],
            [bench.session.tell for bench in benches],
            on_candidates=stop_if_all_left,
        )
        pictures: list[list[PlainPicture]] = [[] for _ in works]
        for index, picture in drawn:
            own, total = pictures[index], works[index].asked.num_pictures
            own.append(PlainPicture.of(picture))
            with suppress(Dropped):  # the others go on
                benches[index].report(len(own), total, own[-1])
        yield from (bench.answer(own) for bench, own in zip(benches, pictures, strict=True))


@dataclass(frozen=True)
class Embed(Work):
    """Embeddings of texts and of pictures, as the recipe's embedder gives them.

    Its answer has ``values["embeddings"]``, a list of numbers for each, texts first, and
    ``values["embedder"]``, its reference.
    """

    texts: tuple[str, ...] = ()
    photos: tuple[Photo, ...] = ()

    @property
    def weight(self) -> int:
        return len(self.photos) + 1

    def check(self, limits: Limits) -> None:
        check_texts(self.texts, limits, "texts")

    def carry_out(self, bench: Bench) -> Answer:
        embeddings = service.embed(bench.pipeline, self.texts, self.photos)
        reference = bench.pipeline.embedder.reference
        return bench.answer(embeddings=embeddings, embedder=reference)


@dataclass(frozen=True)
class Score(Work):
    """How well pictures show texts: ``values["scores"]`` has a row for each picture, in which is
    the cosine of each text, and ``values["embedder"]`` is the reference of the embedder."""

    photos: tuple[Photo, ...]
    texts: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.photos) + 1

    def check(self, limits: Limits) -> None:
        check_texts(self.texts, limits, "texts")

    def carry_out(self, bench: Bench) -> Answer:
        scores = service.score(bench.pipeline, self.photos, self.texts)
        return bench.answer(scores=scores, embedder=bench.pipeline.embedder.reference)


@dataclass(frozen=True)
class Describe(Work):
    """What a recipe's parts are, once they are loaded: ``values`` has width, height, latent space,
    embedding width, supported options, defaults and fingerprints."""

    def carry_out(self, bench: Bench) -> Answer:
        return bench.answer(**service.describe_pipeline(bench.pipeline))
