"""Requests drawn into a folder: a PNG for each picture as it is drawn, and pages of a grid."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from c2l.errors import BadInput, NotWritable, spell_fields
from c2l.images import read_png, write_png
from c2l.prompts.blends import name_of
from c2l.result import Picture, file_stem, slug
from c2l.sampling.drawing import OnCandidates
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import Request
from c2l.service.grids import GridPages
from c2l.service.notices import Notice
from c2l.service.session import Session
from c2l.service.unfinished import Unfinished

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif"}


class DrawingInterrupted(KeyboardInterrupt):
    """Ctrl-C while pictures were drawn. Those drawn so far are in the folder.

    Args:
        folder: where they are.
        num_done: pictures in the folder.
        num: pictures of the request.
        chosen_seed: the one to name if the same is to be drawn again; None if it was named.
    """

    def __init__(
        self, folder: Path, num_done: int, num: int, chosen_seed: int | None = None
    ) -> None:
        message = f"{num_done:,} of {num:,} pictures are in {folder}"
        self.resumes = chosen_seed is None
        if chosen_seed is not None:
            message += f". With `seeds={chosen_seed}` the same command resumes"
        super().__init__(message)
        self.folder = folder
        self.num_done = num_done
        self.num = num


@dataclass(frozen=True)
class Drawn:
    """A picture that is in its folder.

    Args:
        index: of the picture in the request, counted from 0.
        num: pictures of the request.
        path: the PNG.
        record: the one in the PNG.
        picture: None if an interrupted drawing had left it there.
    """

    index: int
    num: int
    path: Path
    record: dict[str, Any]
    picture: Picture | None


def draw_into(
    session: Session,
    request: Request,
    out: Path,
    *,
    on_picture: Callable[[Drawn], None] = lambda drawn: None,
    on_candidates: OnCandidates | None = None,
) -> tuple[Path, ...]:
    """Draw a request into a folder.

    Each picture is written as it is drawn. After an interruption, the same request resumes with
    the same seeds. Nothing is overwritten.

    Args:
        out: the folder, made if need be.
        on_picture: called with each picture, in order, once it is in the folder.
        on_candidates: called as candidates are rendered.
    Returns:
        The pages of a grid, if there are several pictures.
    Raises:
        BadInput, NotWritable: as ``prepare_folder``.
        DrawingInterrupted: Ctrl-C.
        As ``Session.draw``.
    """
    prepare_folder(out, "out")
    session.pipeline(request)  # what cannot be drawn leaves no trace in the folder
    with Unfinished(out, request) as unfinished:
        num, num_before = unfinished.request.num_pictures, unfinished.num_done
        if num_before:
            session.tell(Notice("resumed", f"{num_before:,} of {num:,} pictures are in {out}"))
        pages = _pages(unfinished)
        try:
            for drawn in _pictures(session, unfinished, on_candidates):
                if pages is not None:
                    image = drawn.picture.pil() if drawn.picture else opened(drawn.path)
                    pages.add(drawn.index, image)
                on_picture(drawn)
        except KeyboardInterrupt:
            raise DrawingInterrupted(out, unfinished.num_done, num) from None
        unfinished.finish()
    return tuple(pages.paths) if pages is not None else ()


def _pictures(
    session: Session, unfinished: Unfinished, on_candidates: OnCandidates | None
) -> Iterator[Drawn]:
    """All pictures of a request, in order; those that are not in the folder are drawn into it."""
    request, before = unfinished.request, unfinished.done
    num = request.num_pictures
    drawn = session.draw(request, skip=before, on_candidates=on_candidates)
    for index in range(num):
        if index in before:
            path = before[index]
            yield Drawn(index, num, path, read_png(path), None)
        else:
            picture = next(drawn)
            stem = file_stem(picture.prompt, picture.seed)
            path = unfinished.keep(index, stem, picture.save)
            yield Drawn(index, num, path, dict(picture.record), picture)
    next(drawn, None)  # some notices come after the last picture


def _pages(unfinished: Unfinished) -> GridPages | None:
    request = unfinished.request
    if request.num_pictures < 2:
        return None
    prompts = list(dict.fromkeys(map(name_of, request.prompts)))
    stem = slug(prompts[0]) if len(prompts) == 1 else f"{len(prompts)}-prompts"
    parts = {
        name: value
        for name in ("recipe", "generator", "embedder", "prior")
        if (value := getattr(request, name))
    }
    record = {"schema": SCHEMA, "grid": prompts[:64], **parts}

    def save(number: int, page: Image.Image) -> Path:
        suffix = f"-{number}" if number else ""
        return unfinished.keep(
            f"page {number}", f"{stem}-grid{suffix}", lambda path: write_png(path, page, record)
        )

    return GridPages(save, len(request.seed_lists[0]), request.num_pictures)


def opened(path: Path) -> Image.Image:
    """A picture that is in its folder already, for a grid."""
    with Image.open(path) as image:
        return image.convert("RGB")


def prepare_folder(folder: Path, field: str) -> None:
    """Make the folder and try it, before minutes are spent on what could not be kept.

    Raises:
        BadInput: its name is that of a picture.
        NotWritable: it cannot be written.
    """
    if folder.suffix.lower() in _PICTURES and not folder.is_dir():
        example = spell_fields({field: str(folder.with_suffix(""))})
        raise BadInput(
            f"{folder} is the name of a picture; pictures are written into a folder",
            hint=f"Name a folder, as in `{example}`",
            field=field,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".c2l-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror or error
        raise NotWritable(
            f"cannot write into {folder}: {reason}",
            hint=f"Choose another `{field}`",
            field=field,
        ) from error
