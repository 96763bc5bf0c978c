"""Whatever comes as frames, as Pillow images of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image
from torch import Tensor

from c2l.errors import BadInput
from c2l.images import to_pil

if TYPE_CHECKING:
    from c2l.result import Picture

    Frame: TypeAlias = Tensor | Image.Image | Picture
    """A picture, or a tensor (3, H, W) or (B, 3, H, W), in [-1, 1]."""


def as_pictures(frames: Iterable[Frame]) -> Iterator[Image.Image]:
    """Frames as RGB images, each as soon as it is asked for.

    Raises:
        BadInput: a frame is nothing that can be shown, or larger or smaller than the first.
    """
    size: tuple[int, int] | None = None
    for frame in frames:
        for image in _pictures_in(frame):
            size = size or image.size
            if image.size != size:
                raise BadInput(
                    f"a frame is {_named(image.size)} and the first one {_named(size)}",
                    hint="Give frames of one size",
                    field="frames",
                )
            yield image


def _pictures_in(frame: Frame) -> Iterator[Image.Image]:
    if isinstance(frame, Image.Image):
        yield frame.convert("RGB")
    elif isinstance(frame, Tensor):
        batch = frame if frame.ndim == 4 else frame[None]
        if batch.ndim != 4 or batch.shape[1] != 3:
            raise BadInput(
                f"a tensor of shape {tuple(frame.shape)} is not a frame",
                hint="Give (3, H, W) or (B, 3, H, W)",
                field="frames",
            )
        yield from map(to_pil, batch)
    elif hasattr(frame, "pil"):
        yield frame.pil()
    else:
        raise BadInput(
            f"a {type(frame).__name__} is not a frame",
            hint="Give tensors or pictures",
            field="frames",
        )


def _named(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} px"
