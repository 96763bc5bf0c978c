"""The bodies of what is made of a client's own photos."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from c2l import service
from c2l.service import PlainPicture, SentHow, SentPrompt
from c2l.web.api.asked import A_PIXEL, Asked, Base64, Out
from c2l.web.api.drawing import Seed, request_of
from c2l.web.api.edits import EditBody
from c2l.web.api.pictures import PicturesOut, answered_pictures
from c2l.web.engine import Answer, Bench, Work
from c2l.web.uploads import read_photo

if TYPE_CHECKING:
    from c2l.editing import Edit
    from c2l.photos import Photo

MOST_STEPS = 1_000


class PhotoBody(BaseModel):
    """A body with a photo.

    Args:
        photo: a PNG, JPEG, WebP or other picture file, in base64.
    """

    photo: Base64

    @cached_property
    def read(self) -> Photo:
        """The photo. Raises ``BadPicture``, ``BadInput``."""
        return read_photo(service.bytes_of(self.photo, field="photo"), "photo")


class LikeBody(EditBody, SentHow, PhotoBody):
    """Pictures that show what a photo shows, or something between that and a prompt.

    Args:
        weight: of the photo, if there is a prompt: 0 is the prompt, 1 the photo.
        seed: of the first picture; the next ones follow.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"photo": A_PIXEL, "prompt": "a happy man", "seed": 1}]}
    )
    kind: ClassVar[str] = "like"
    counted_by: ClassVar[str] = "num_images"

    prompt: SentPrompt | None = None
    weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    num_images: Annotated[int, Field(ge=1)] = 4
    seed: Seed | None = None

    @property
    def num_pictures(self) -> int:
        return self.num_images

    def work(self) -> Work:
        _ = self.read  # so that a file which is no picture is refused before it waits
        service.refuse_costly(request_of(self.prompt or "a picture", **self.how))
        return super().work()

    def settled(self) -> LikeBody:
        seed = service.random_seed() if self.seed is None else self.seed
        return self.model_copy(update={"seed": seed})

    def edit(self, bench: Bench) -> Edit:
        if self.prompt is not None:
            request = request_of(self.prompt, **self.how)
            for notice in service.notices_before(bench.pipeline, request):
                bench.session.tell(notice)
        return bench.pipeline.like(
            self.read,
            self.prompt,
            weight=self.weight,
            num_images=self.num_images,
            seed=self.seed or 0,
            truncation=self.truncation,
            **self.how,
        )


class Inversion(BaseModel):
    """How near a picture came to a photo.

    Args:
        distance: 0 for the same, about 1 for one that has nothing of it.
        first_distance: that of the prior's best answer.
        steps: that were made.
        seconds: how long it took.
    """

    distance: float
    first_distance: float
    steps: int
    seconds: float


class InvertOut(PicturesOut):
    """The picture of a photo."""

    inversion: Inversion


class InvertBody(Asked, PhotoBody, Out):
    """The picture that is nearest to a photo.

    Args:
        space: ``w`` stays nearer to what the generator usually draws.
        fit: ``crop`` takes the photo's middle, ``pad`` all of it.
        steps: of gradient descent; 0 takes the nearest of the prior's answers.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"photo": A_PIXEL, "steps": 2, "fit": "pad"}]}
    )
    kind: ClassVar[str] = "invert"

    space: Literal["w+", "w"] = "w+"
    fit: Literal["crop", "pad"] = "crop"
    steps: Annotated[int, Field(ge=0, le=MOST_STEPS)] = 200
    seed: Seed = 0

    def work(self) -> Work:
        _ = self.read
        return Inverted(self, recipe=self.recipe or "", prior=self.prior or "")

    def answered(self, answer: Answer, milliseconds: float) -> InvertOut:
        told = answered_pictures(answer, self, milliseconds)
        return InvertOut(**dict(told), inversion=Inversion(**answer.values))


@dataclass(frozen=True)
class Inverted(Work):
    """The picture of a photo."""

    body: InvertBody

    @property
    def weight(self) -> int:
        return 32 + self.body.steps // 2

    def carry_out(self, bench: Bench) -> Answer:
        body = self.body
        bench.report(0, body.steps)
        found = service.inverted(
            bench.pipeline,
            body.read,
            fit=body.fit,
            space=body.space,
            steps=body.steps,
            seed=body.seed,
            on_step=lambda done, total, best: bench.report(done, total),
        )
        values: dict[str, Any] = {
            "distance": round(found.inversion.distance, 5),
            "first_distance": round(found.inversion.first_distance, 5),
            "steps": found.inversion.num_steps,
            "seconds": round(found.inversion.seconds, 2),
        }
        return bench.answer([PlainPicture.of(found.picture)], **values)
