"""Photos in, pictures of the generator out: each beside its photo and where its search began."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from c2l.editing.inversion import STEPS, InversionInterrupted, Inverted, Space, inverted
from c2l.errors import BadInput, BadPicture
from c2l.images import read_png, to_pil, write_new_png, write_png
from c2l.photos import Fit, Photo, read_photo
from c2l.result import slug
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import Request
from c2l.service.drawing import prepare_folder
from c2l.service.grids import GridPages
from c2l.service.notices import Notice
from c2l.service.session import Session

_SHOWN = 3
"""Pictures of each photo on a page."""


@dataclass(frozen=True)
class InvertedPhoto:
    """A photo's picture, in its folder.

    Args:
        photo: the file that it was found for.
        path: the PNG.
        record: the one in the PNG.
        distance: from the photo: 0 for the same, about 1 for one that has nothing of it.
        first_distance: that of the prior's best answer.
        steps: that were made.
        seconds: how long it took.
    """

    photo: Path
    path: Path
    record: dict[str, Any]
    distance: float
    first_distance: float
    steps: int
    seconds: float


def invert_photos(
    session: Session,
    photos: Sequence[Path] | None,
    out: Path,
    *,
    space: Space = "w+",
    fit: Fit = "crop",
    steps: int = STEPS,
    seed: int = 0,
    on_picture: Callable[[InvertedPhoto], None] = lambda found: None,
    on_step: Callable[[int, int, str], None] = lambda done, total, note: None,
    **parts: Any,
) -> tuple[Path, ...]:
    """Find the picture nearest to each photo, and write it into a folder.

    Args:
        photos: picture files of any origin.
        out: the folder, made if need be. Nothing is overwritten.
        space, fit, steps, seed: as in ``Pipeline.invert``.
        on_picture: called with each picture, once it is in the folder.
        on_step: called with the number of steps that were made, that of all, and a note.
        parts: recipe, generator, embedder, prior and device, as in ``Request``.
    Returns:
        Pages that show each photo, the prior's answer, and its picture.
    Raises:
        BadInput, BadPicture: a file cannot be read, or the generator has no gradient.
        InversionInterrupted: Ctrl-C; the best so far is in the folder.
        NotWritable, and as ``Session.pipeline``.
    """
    if not photos:
        raise BadInput("there is no photo", hint="Give one, as in photo.jpg", field="photos")
    read = [read_photo(path, field="photos") for path in photos]
    prepare_folder(out, "out")
    given = {name: value for name, value in parts.items() if value is not None}
    pipeline = session.pipeline(Request(**{"prompt": "anything", **given}))
    for path in photos:
        if _has_record(path):
            text = f"{path} is a picture of c2l's own: every edit takes it as it is"
            session.tell(Notice("offer", text))
    size = pipeline.generator.image_size
    pages = _pages(out, slug(photos[0].stem), pipeline.provenance, _SHOWN * len(photos))
    told = False

    def estimate(seconds: float) -> None:
        nonlocal told
        if not told:
            told = True
            each = f"{steps:,} steps take about {_span(seconds)}"
            several = f" for each of {len(photos)} photos" if len(photos) > 1 else ""
            session.tell(Notice("time", f"{each}{several}"))

    for index, (path, photo) in enumerate(zip(photos, read, strict=True)):

        def step(done: int, total: int, best: float, before: int = index * steps) -> None:
            on_step(before + done, total * len(photos), f"distance {best:.4f}")

        try:
            found = inverted(
                pipeline,
                photo,
                fit=fit,
                space=space,
                steps=steps,
                seed=seed,
                on_step=step,
                on_estimate=estimate,
            )
        except InversionInterrupted as stop:
            kept = _keep(path, out, stop.found)
            on_picture(kept)
            raise InversionInterrupted(stop.found, f"in {kept.path}") from None
        on_picture(_keep(path, out, found))
        shown = (_shown(photo, size, fit), found.start.pil(), found.picture.pil())
        for column, image in enumerate(shown):
            pages.add(_SHOWN * index + column, image)
    return tuple(pages.paths)


def _keep(photo: Path, out: Path, found: Inverted) -> InvertedPhoto:
    inversion = found.inversion
    path = write_new_png(out, f"{slug(photo.stem)}-inverted", found.picture.save)
    return InvertedPhoto(
        photo=photo,
        path=path,
        record=dict(found.picture.record),
        distance=round(inversion.distance, 5),
        first_distance=round(inversion.first_distance, 5),
        steps=inversion.num_steps,
        seconds=round(inversion.seconds, 2),
    )


def _pages(out: Path, stem: str, provenance: Any, num: int) -> GridPages:
    named = ("recipe", "generator", "embedder", "prior")
    parts = {name: value for name, value in provenance.items() if name in named}

    def save(number: int, page: Image.Image) -> Path:
        name = f"{stem}-inverted-sheet{f'-{number}' if number else ''}"
        record = {"schema": SCHEMA, "grid": [stem], **parts}
        return write_new_png(out, name, lambda path: write_png(path, page, record))

    return GridPages(save, _SHOWN, num)


def _shown(photo: Photo, size: tuple[int, int], fit: Fit) -> Image.Image:
    return to_pil(photo.fitted(size, fit).pixels[0])


def _has_record(path: Path) -> bool:
    try:
        read_png(path)
    except BadPicture:
        return False
    return True


def _span(seconds: float) -> str:
    """``7 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
