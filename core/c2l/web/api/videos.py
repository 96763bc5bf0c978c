"""The body of a walk, or of a picture turned along a direction, as a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from c2l import service
from c2l.service import SentDirection, SentMove, VideoFormat
from c2l.web.api.editing import WalkFields
from c2l.web.api.offered import MOST_FRAMES
from c2l.web.engine import Answer, Bench, Work

if TYPE_CHECKING:
    from c2l.editing import Edit
    from c2l.web.settings import Limits

Strength = Annotated[float, Field(ge=-100, le=100)]

MEDIA_TYPES = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "webp": "image/webp",
    "gif": "image/gif",
}
VIDEO_CONTENT = {
    media_type: {"schema": {"type": "string", "format": "binary"}}
    for media_type in MEDIA_TYPES.values()
}
"""For the description of routes."""


def video_file(data: bytes, format: VideoFormat) -> Response:
    """A video as a file to be kept."""
    name = f'attachment; filename="c2l.{format}"'
    return Response(data, media_type=MEDIA_TYPES[format], headers={"content-disposition": name})


class VideoOut(BaseModel):
    """A video, as a job answers it.

    Args:
        url: where it is, below this server's address.
        size: in bytes.
    """

    url: str
    format: VideoFormat
    size: int


class VideoBody(WalkFields):
    """A walk through all ends as a video; or one end that is turned along a direction.

    Args:
        direction: turns the only end, instead of a walk.
        strength: of the direction, in the first frame and in the last.
        format: mp4 and webm only where the server can write them.
        easing: how it starts and ends.
        ping_pong: shows the way back as well.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ends": [{"prompt": "a man", "seed": 3}, {"prompt": "a kid", "seed": 3}],
                    "frames": 4,
                    "format": "gif",
                    "fps": 12,
                }
            ]
        }
    )
    kind: ClassVar[str] = "video"

    frames: Annotated[int, Field(ge=2, le=MOST_FRAMES)] = 60
    direction: SentDirection | None = None
    strength: tuple[Strength, Strength] = (-1, 1)
    format: VideoFormat = "webp"
    fps: Annotated[float, Field(ge=0.01, le=240)] = 30
    easing: Literal["linear", "smooth", "in", "out"] = "linear"
    ping_pong: bool = False

    @model_validator(mode="after")
    def _turns_one(self) -> Self:
        if self.direction is not None and (len(self.ends) != 1 or self.path or self.loop):
            raise ValueError("a direction turns one end, without `path` and `loop`")
        return self

    def edit(self, bench: Bench) -> Edit:
        if self.direction is None:
            return super().edit(bench)
        first, last = self.strength
        step = (last - first) / (self.frames - 1)
        begin = self.opened(bench, *self.ends).edit()
        return service.moved(
            bench.pipeline,
            begin,
            [SentMove(direction=self.direction)],
            [round(first + step * number, 6) for number in range(self.frames)],
            tell=bench.session.tell,
            on_progress=bench.report,
        )

    def work(self) -> Work:
        service.refuse_other_formats(self.format)
        return Filmed(self.settled(), **self.parts())

    def answered(self, answer: Answer, milliseconds: float) -> BaseModel:
        raise NotImplementedError("a video is answered as it is")


@dataclass(frozen=True)
class Filmed(Work):
    """A video: ``values["video"]`` has its bytes."""

    body: VideoBody

    @property
    def weight(self) -> int:
        return self.body.cost

    def check(self, limits: Limits) -> None:
        self.body.check(limits)

    def carry_out(self, bench: Bench) -> Answer:
        body = self.body
        bench.report(0, body.frames)
        data = service.sent_video(
            body.edit(bench),
            body.format,
            fps=body.fps,
            easing=body.easing,
            ping_pong=body.ping_pong,
            on_frame=bench.report,
        )
        return bench.answer(video=data)
