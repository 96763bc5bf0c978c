"""A photo as a picture of the generator, which every edit takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from c2l.editing.inversion.invert import Inversion, invert
from c2l.photos import Fit, Photo
from c2l.sampling.operations import GivenLatents

if TYPE_CHECKING:
    from c2l.pipeline import Pipeline
    from c2l.result import Picture


@dataclass(frozen=True, eq=False)
class Inverted:
    """A photo's picture, the one that its search began with, and how it was found."""

    picture: Picture
    start: Picture
    inversion: Inversion


class InversionInterrupted(KeyboardInterrupt):
    """Ctrl-C in an inversion.

    Args:
        found: the best of the steps that were made.
        where: what has become of it; for people.
    """

    resumes = False

    def __init__(self, found: Inverted, where: str = "this exception's `picture`") -> None:
        num = found.inversion.num_steps
        steps = "1 step" if num == 1 else f"{num:,} steps"
        super().__init__(f"the best of {steps} is {where}")
        self.found = found

    @property
    def picture(self) -> Picture:
        """The picture that was found."""
        return self.found.picture


def inverted(pipeline: Pipeline, photo: Photo, *, fit: Fit = "crop", **how: Any) -> Inverted:
    """The picture that is nearest to a photo.

    Args:
        fit: how the photo gets the shape of the generator's pictures.
        how: space, steps, seed, on_step and on_estimate, as in ``invert``.
    Raises:
        BadInput: as ``invert``.
        InversionInterrupted: Ctrl-C.
    """
    inversion = invert(pipeline, photo.fitted(pipeline.generator.image_size, fit), **how)
    start, picture = (
        result[0]
        for latents in (inversion.start, inversion.latents)
        for operation in [GivenLatents.of(latents, inversion.repeats, photo.sha256)]
        for result in pipeline.draw_operations([operation], truncation=1.0)
    )
    found = Inverted(picture, start, inversion)
    if not inversion.complete:
        raise InversionInterrupted(found)
    return found
