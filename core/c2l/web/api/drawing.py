"""Pictures of prompts, and of latents that a client has."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from c2l import service
from c2l.service import DrawRequest, SentHow, SentPrompt
from c2l.web.api.asked import Asked, Out
from c2l.web.api.pictures import PicturesOut, answered_pictures
from c2l.web.engine import Answer, Draw, Work

Seed = Annotated[int, Field(ge=0, le=2**64 - 1)]
Truncation = Annotated[float, Field(ge=-2, le=2)]
MOST_PROMPTS = 1_000


def request_of(prompt: SentPrompt, **how: Any) -> DrawRequest:
    """A request for one prompt. Raises ``BadInput``."""
    asked: dict[str, Any] = {"prompts": [prompt], **how}
    return DrawRequest(**asked)


class DrawFields(SentHow):
    """What to draw and how: the fields of ``c2l.Request``.

    Args:
        latents: instead of prompts, the operation that makes the latents of one picture.
    """

    prompt: SentPrompt | None = None
    prompts: Annotated[list[SentPrompt], Field(min_length=1, max_length=MOST_PROMPTS)] | None = None
    num_images: Annotated[int, Field(ge=1)] | None = None
    seed: Seed | None = None
    seeds: str | list[Seed] | list[list[Seed]] | None = None
    latents: dict[str, Any] | None = None
    truncation: Truncation | None = None
    best_of: Annotated[int, Field(ge=1)] | Literal["auto"] | None = None
    rank_by: Literal["pictures", "student"] | None = None
    optimise: Annotated[int, Field(ge=0)] | None = None

    def draw_request(self, *, preview: bool = False) -> DrawRequest:
        """As a request. Raises ``BadInput``."""
        given = {n: v for n in DrawFields.model_fields if (v := getattr(self, n)) is not None}
        asked = DrawRequest(**given)
        service.refuse_costly(asked)
        return asked.replace(best_of=None, optimise=None) if preview else asked


class SampleBody(Asked, DrawFields, Out):
    """Pictures of one prompt or of several."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"prompt": "a happy man with a beard", "num_images": 2, "seed": 7},
                {
                    "recipe": "demo-faces",
                    "prompts": ["a young woman", {"a man": 1, "a pirate": 0.4}],
                    "seeds": "1,5-6",
                    "negative": "glasses",
                    "guidance": 2,
                    "best_of": 4,
                    "format": "webp",
                    "max_size": 128,
                },
            ]
        }
    )
    kind: ClassVar[str] = "sample"

    def work(self) -> Work:
        asked = self.draw_request(preview=self.preview)
        return Draw(asked, recipe=self.recipe or "", prior=self.prior or "")

    def answered(self, answer: Answer, milliseconds: float) -> PicturesOut:
        return answered_pictures(answer, self, milliseconds)
