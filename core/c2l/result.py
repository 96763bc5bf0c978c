"""Pictures, with everything that belongs to them."""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import torch
from PIL import Image
from torch import Tensor

from c2l.errors import BadInput, NotWritable
from c2l.files import at_home
from c2l.images import make_grid, suggest_columns, to_pil, write_new_png, write_png
from c2l.sampling.drawing import Drawing

if TYPE_CHECKING:
    from c2l.editing.directions.direction import Direction
    from c2l.editing.edit import Adhering, Edit
    from c2l.editing.ends import Thing
    from c2l.pipeline import Pipeline

MOST_SHOWN = 64
"""Pictures in the grid that a notebook shows."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture.

    Args:
        image: float32, (3, H, W), range [-1, 1].
        latents: float32, (K, D).
        score: cosine of image and text embedding; NaN without a prompt.
        seed: draws the same picture by itself.
        prompt: in one line.
        record: what a PNG of it holds: all that is needed to draw it again.
        milliseconds: its share of the wall time, by stage.
        pipeline: what drew it.
    """

    image: Tensor
    latents: Tensor
    score: float
    seed: int
    prompt: str
    record: Mapping[str, Any] = field(repr=False)
    milliseconds: Mapping[str, float] = field(repr=False)
    pipeline: Pipeline | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        height, width = self.image.shape[-2:]
        return f"Picture({self.prompt!r}, seed {self.seed}, {width} x {height} px)"

    def pil(self) -> Image.Image:
        """As a Pillow image."""
        return to_pil(self.image)

    def save(self, path: Path | str) -> Path:
        """Write a PNG with the record inside, or another format without it.

        Raises:
            NotWritable: the folder cannot be written, or Pillow does not know the suffix.
        """
        path = at_home(Path(path))
        if path.suffix.lower() == ".png":
            write_png(path, self.pil(), self.record)
            return path
        try:
            self.pil().save(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise NotWritable(f"cannot write {path}: {reason}", hint="Name a .png file") from error
        return path

    def vary(self, amount: float, *, num: int = 1, seed: int | None = None) -> Edit:
        """Neighbours of the picture, not drawn yet: see ``Edit.vary``."""
        return _edit(self.pipeline, [self]).vary(amount, num=num, seed=seed)

    def mix(
        self, other: Thing | Edit, *, layers: str | Sequence[int], share: float | None = None
    ) -> Edit:
        """The picture with some layers of another, not drawn yet: see ``Edit.mix``."""
        return _edit(self.pipeline, [self]).mix(other, layers=layers, share=share)

    def move(self, direction: Direction, strength: float | Sequence[float] = 1.0) -> Edit:
        """The picture moved along a direction, not drawn yet: see ``Edit.move``."""
        return _edit(self.pipeline, [self]).move(direction, strength)

    def adhere(self, to: str, *, start: str | None = None, seed: int = 0) -> Adhering:
        """The picture changed to show one more thing, not drawn yet: see ``Edit.adhere``."""
        return _edit(self.pipeline, [self]).adhere(to, start=start, seed=seed)

    def _repr_png_(self) -> bytes:
        return _png(self.pil())


@dataclass(frozen=True, eq=False)
class Result(Drawing, Sequence[Picture]):
    """Pictures, and how each was made: entry i of every field belongs to picture i.

    ``result[0]`` is a ``Picture``, ``result[:4]`` a smaller result; a notebook shows the grid.

    Args:
        images: float32, (B, 3, H, W), range [-1, 1].
        latents: float32, (B, K, D).
        image_embeddings: float32, (B, E), of the images, by the pipeline's embedder.
        scores: float32, (B,), cosine of image and text embedding; by the embedder that also
            chose the latents: good for ranking, not for comparing embedders.
        seeds: the seed of each picture, which draws the same picture by itself.
        prompts: the prompt of each picture; a blend in one line, as in ``a man + a pirate:0.4``.
        settings: what was used; None for what the prior decides or does not use.
        milliseconds: wall time by stage: text, prior, synthesis, ranking; and student and
            optimising if used.
        records: what a PNG of each picture holds.
        pipeline: what drew them.
    """

    pipeline: Pipeline | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.seeds)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> Result: ...
    def __getitem__(self, index: int | slice) -> Picture | Result:
        if isinstance(index, slice):
            share = len(self.seeds[index]) / max(1, len(self))
            rows = list(range(len(self)))[index]  # tensors know no steps backwards
            return Result(
                images=self.images[rows],
                latents=self.latents[rows],
                image_embeddings=self.image_embeddings[rows],
                scores=self.scores[rows],
                seeds=self.seeds[index],
                prompts=self.prompts[index],
                settings=self.settings,
                milliseconds={k: round(v * share, 2) for k, v in self.milliseconds.items()},
                records=self.records[index],
                pipeline=self.pipeline,
            )
        index = range(len(self))[index]  # the usual errors of an index
        return Picture(
            image=self.images[index],
            latents=self.latents[index],
            score=float(self.scores[index]),
            seed=self.seeds[index],
            prompt=self.prompts[index],
            record=self.records[index],
            milliseconds={k: round(v / len(self), 2) for k, v in self.milliseconds.items()},
            pipeline=self.pipeline,
        )

    def __iter__(self) -> Iterator[Picture]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        height, width = self.images.shape[-2:]
        prompts = list(dict.fromkeys(self.prompts))
        named = repr(prompts[0]) if len(prompts) == 1 else f"{len(prompts)} prompts"
        pictures = "1 picture" if len(self) == 1 else f"{len(self)} pictures"
        return f"Result({pictures} of {named}, {width} x {height} px)"

    def pil(self) -> list[Image.Image]:
        """As Pillow images."""
        return [to_pil(image) for image in self.images]

    def grid(self, columns: int | None = None) -> Image.Image:
        """All pictures side by side, in one Pillow image.

        Args:
            columns: 1 or more; by default a row for each prompt, of 8 columns at most.
        Raises:
            BadInput: there is no picture, or no column.
        """
        if not len(self):
            raise BadInput("there is no picture to show", hint="Draw one or more")
        if columns is None:
            columns = suggest_columns(len(self) // len(set(self.prompts)), len(self))
        if columns < 1:
            raise BadInput(
                f"`columns={columns}` is below 1", hint="Use `columns=1` or more", field="columns"
            )
        return make_grid(self.pil(), columns=min(columns, len(self)))

    def save(self, folder: Path | str) -> list[Path]:
        """Write each picture to a PNG in ``folder``, named after prompt and seed.

        The record inside draws it again: 'c2l sample' takes it. Nothing is overwritten.

        Raises:
            NotWritable: the folder cannot be written.
        """
        folder = at_home(Path(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NotWritable(
                f"cannot make {folder}: {error.strerror or error}", hint="Choose another folder"
            ) from error
        return [
            write_new_png(folder, file_stem(picture.prompt, picture.seed), picture.save)
            for picture in self
        ]

    def vary(self, amount: float, *, num: int = 1, seed: int | None = None) -> Edit:
        """Neighbours of each picture, not drawn yet: see ``Edit.vary``."""
        return _edit(self.pipeline, list(self)).vary(amount, num=num, seed=seed)

    def mix(
        self, other: Thing | Edit, *, layers: str | Sequence[int], share: float | None = None
    ) -> Edit:
        """Each picture with some layers of another, not drawn yet: see ``Edit.mix``."""
        return _edit(self.pipeline, list(self)).mix(other, layers=layers, share=share)

    def move(self, direction: Direction, strength: float | Sequence[float] = 1.0) -> Edit:
        """Each picture moved along a direction, not drawn yet: see ``Edit.move``."""
        return _edit(self.pipeline, list(self)).move(direction, strength)

    def adhere(self, to: str, *, start: str | None = None, seed: int = 0) -> Adhering:
        """Each picture changed to show one more thing, not drawn yet: see ``Edit.adhere``."""
        return _edit(self.pipeline, list(self)).adhere(to, start=start, seed=seed)

    def _repr_html_(self) -> str | None:
        if not len(self):
            return None  # a notebook shows ``repr`` instead
        shown = self[:MOST_SHOWN]
        data = base64.b64encode(_png(shown.grid())).decode()
        more = f"<p>{len(shown)} of {len(self)} pictures</p>" if len(shown) < len(self) else ""
        return f'<img alt="{len(shown)} pictures" src="data:image/png;base64,{data}">{more}'

    @staticmethod
    def joined(parts: Sequence[Result]) -> Result:
        """Results of one request, one after the other."""
        if len(parts) == 1:
            return parts[0]
        total: dict[str, float] = {}
        for part in parts:
            for name, spent in part.milliseconds.items():
                total[name] = round(total.get(name, 0.0) + spent, 2)
        return Result(
            images=torch.cat([p.images for p in parts]),
            latents=torch.cat([p.latents for p in parts]),
            image_embeddings=torch.cat([p.image_embeddings for p in parts]),
            scores=torch.cat([p.scores for p in parts]),
            seeds=tuple(seed for p in parts for seed in p.seeds),
            prompts=tuple(prompt for p in parts for prompt in p.prompts),
            settings=parts[0].settings,
            milliseconds=total,
            records=tuple(record for p in parts for record in p.records),
            pipeline=parts[0].pipeline,
        )


def _edit(pipeline: Pipeline | None, pictures: Sequence[Picture]) -> Edit:
    if pipeline is None:
        raise BadInput(
            "these pictures have no pipeline to edit them with", hint="Use `pipeline.edit(...)`"
        )
    return pipeline.edit(*pictures)


_LONGEST_SLUG = 60
"""Bytes; names of files have 255 at most."""


def file_stem(prompt: str, seed: int) -> str:
    """``a-young-woman-s7``."""
    return f"{slug(prompt)}-s{seed}"


def slug(prompt: str) -> str:
    """A prompt as part of a file name: its letters, of any script, and its digits."""
    text = unicodedata.normalize("NFKC", prompt).lower()
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    words = "-".join(kept.split()).encode()[:_LONGEST_SLUG].decode(errors="ignore")
    return words.rstrip("-") or "picture"


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
