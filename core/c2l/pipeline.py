"""The pipeline: prompt to embedding to latents to images, ranked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from c2l.editing.directions.direction import Direction
from c2l.editing.directions.measuring import OnProgress
from c2l.editing.directions.prompts import NUM_PICTURES, from_prompts
from c2l.editing.drawing import draw_all
from c2l.editing.edit import Edit, edit_of
from c2l.editing.image_prompt import edit_like, only_prompt
from c2l.editing.inversion.picture import inverted
from c2l.editing.walk import Walk, walk_of
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.guard import watch
from c2l.photos import Fit, Photo, photo_of
from c2l.prior import Prior
from c2l.prompts.blends import Prompt
from c2l.result import Picture, Result
from c2l.sampling.drawing import OnCandidates, draw_pictures
from c2l.sampling.operations import Operation
from c2l.sampling.request import DrawRequest, DrawSettings
from c2l.version import __version__
from c2l_registry.loose import file_of_package

if TYPE_CHECKING:
    from c2l.editing.ends import Thing

_DEFAULTS = DrawSettings(truncation=1.0, best_of=1, rank_by="pictures", optimise=0)


class Pipeline:
    """Text to images: an embedder, a prior and a generator that fit each other.

    Made by ``c2l.load_pipeline``, which also checks that they fit.

    Args:
        settings: defaults for what a request leaves open.
        recipe: the name of the recipe; empty for other parts.
        precision: the one that ``c2l.load_pipeline`` was asked for.
        drawn_in: the one that the generator computes in, where it was asked for ``auto``.
    """

    def __init__(
        self,
        generator: Generator,
        embedder: Embedder,
        prior: Prior,
        *,
        settings: DrawSettings | None = None,
        recipe: str = "",
        precision: str = "float32",
        drawn_in: str = "",
    ) -> None:
        self.generator = watch(generator)
        self.embedder = watch(embedder)
        self.prior = watch(prior)
        self.settings = settings or DrawSettings()
        self.recipe = recipe
        self.precision = precision
        self.drawn_in = drawn_in or precision

    def __call__(
        self,
        prompts: Prompt | Sequence[Prompt] | None = None,
        *,
        image: Photo | Path | str | Image.Image | Tensor | None = None,
        weight: float = 0.5,
        num_images: int | None = None,
        seed: int | None = None,
        seeds: Sequence[int] | Sequence[Sequence[int]] | str | None = None,
        **settings: Any,
    ) -> Result:
        """Draw pictures of prompts.

        Args:
            prompts: one prompt or several; each gets ``num_images`` pictures. A prompt is a text,
                or several texts blended by weight: ``{"a man": 1, "a pirate": 0.4}``.
            image: an image prompt, alone or blended with one prompt, as in ``like``, which takes
                fewer settings.
            weight: of the image, if there is a prompt, from 0 to 1.
            num_images: pictures for each prompt, with seeds ``seed, seed + 1, ...``; by default 1.
            seed: the first seed, from 0 to 2**64 - 1; by default 0.
            seeds: the seeds themselves, instead of ``num_images`` and ``seed``; or a list of seeds
                for each prompt.
            settings: guidance, steps, adherence, negative, truncation, best_of, rank_by,
                optimise, class_label: see ``DrawRequest``; the pipeline's own settings are the
                defaults.
        Returns:
            The pictures of the first prompt, then those of the second, and so on.
        Raises:
            BadInput: an empty prompt, no seed, a value out of range, or ``rank_by="student"`` with
                a prior that has no student.
        """
        counts: dict[str, Any] = {"num_images": num_images, "seed": seed, "seeds": seeds}
        if image is not None:
            return self.like(
                image, only_prompt(prompts), weight=weight, **counts, **settings
            ).draw()
        if seed is None and seeds is None:
            counts["seed"] = 0
        request = DrawRequest(**{"prompts": prompts, **counts, **settings})
        return Result.joined(list(self._results(request, (), None)))

    def stream(
        self,
        request: DrawRequest,
        *,
        skip: Collection[int] = (),
        on_candidates: OnCandidates | None = None,
    ) -> Iterator[Picture]:
        """Draw pictures one by one; memory does not grow with their number.

        Args:
            request: with prompts. Without a seed, a random one is picked.
            skip: indices of pictures to leave out, counted from 0.
            on_candidates: called as candidates are rendered; may raise to stop.
        """
        for some in self._results(request.with_seeds(), skip, on_candidates):
            yield from some

    def draw_operations(
        self,
        operations: Sequence[Operation],
        *,
        truncation: float | None = None,
        prompt: dict[str, float] | None = None,
    ) -> Iterator[Result]:
        """Draw pictures whose latents are operations, a few at a time.

        Args:
            truncation: None for the pipeline's own.
            prompt: what they are scored by; it does not draw.
        """
        truncation = self.truncation(truncation)
        for drawing in draw_all(self, operations, truncation=truncation, prompt=prompt):
            yield Result(**vars(drawing), pipeline=self)

    def truncation(self, given: float | None) -> float:
        """The truncation to draw with: the one that is given, or the pipeline's own."""
        truncation = self.effective(DrawSettings(truncation=given)).truncation
        return 1.0 if truncation is None else truncation

    def edit(
        self, *things: Thing, truncation: float | None = None, seed: int = 0, **how: Any
    ) -> Edit:
        """The pictures an edit starts from; nothing is drawn yet.

        Args:
            things: pictures, or the paths of PNGs that c2l wrote; prompts; seeds of the
                generator's own pictures; latents; operations.
            truncation: None for that of the pictures, or else the pipeline's own.
            seed: of prompts.
            how: guidance, steps, adherence and negative, of prompts.
        """
        return edit_of(self, things, truncation=truncation, seed=seed, **how)

    def walk(self, ends: Thing | Sequence[Thing], *, frames: int = 60, **how: Any) -> Walk:
        """A walk from the first end through all others to the last; nothing is drawn yet.

        Args:
            ends: two things or more, as in ``edit``; or one prompt, with several ``seeds``.
            frames: how many, including those at the ends.
            how: ``path`` (linear, slerp or prior; by default the prior where it can), ``loop``,
                ``spacing`` (seen or path), ``seed``, ``seeds`` and ``truncation``; and as
                in ``edit``.
        """
        return walk_of(self, ends, frames=frames, **how)

    def like(
        self,
        image: Photo | Path | str | Image.Image | Tensor,
        prompt: Prompt | None = None,
        *,
        weight: float = 0.5,
        **how: Any,
    ) -> Edit:
        """Pictures that show what an image shows: an image prompt. Nothing is drawn yet.

        Args:
            image: of any origin: a path, a Pillow image, or a tensor (3, H, W) in [-1, 1].
            prompt: what to blend it with.
            weight: of the image, from 0, the prompt alone, to 1, the image alone.
            how: ``num_images``, ``seed`` and ``seeds`` as in a call; truncation, guidance, steps,
                adherence, negative and negative_by: see ``DrawRequest``.
        Raises:
            BadInput, BadPicture: the image cannot be read, or a value is out of range.
        """
        return edit_like(self, photo_of(image), prompt, weight=weight, **how)

    def invert(
        self, image: Photo | Path | str | Image.Image | Tensor, *, fit: Fit = "crop", **how: Any
    ) -> Picture:
        """The generator's picture nearest to one of your own, of any size and shape.

        Args:
            image: a path, a Pillow image, or a tensor (3, H, W) in [-1, 1].
            fit: ``crop`` takes its middle, in the generator's shape; ``pad`` takes all of it, and
                lets the generator fill the rest.
            how: ``space`` (``w+``, or ``w``, which stays nearer to what the generator usually
                draws), ``steps`` of gradient descent, ``seed``; ``on_step`` and ``on_estimate`` are
                called with how far it is, and with the seconds that it will take.
        Raises:
            BadInput, BadPicture: the picture cannot be read, or the generator has no gradient.
            InversionInterrupted: Ctrl-C; its ``picture`` is the best so far.
        """
        return inverted(self, photo_of(image), fit=fit, **how).picture

    def direction(
        self,
        start: str,
        end: str,
        *,
        keep: str | Sequence[str] = (),
        num: int = NUM_PICTURES,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> Direction:
        """The direction from what one prompt says to what another says.

        Making it takes seconds; after that, any number of pictures can be moved along it. For
        directions in files, see ``c2l.Direction``.

        Args:
            keep: what should stay, each in words: ``("glasses", "hair")``.
            num: how many pictures it is averaged over.
            seed: of the first one.
            on_progress: called with the number of pictures drawn to make it, and the most there
                may be.
        Raises:
            BadInput: the embedder cannot tell the two apart; or ``keep`` leaves nothing of it.
        """
        kept = [keep] if isinstance(keep, str) else list(keep)
        how: dict[str, Any] = {"num": num, "seed": seed, "on_progress": on_progress}
        return from_prompts(self, start, end, keep=kept, **how)

    @torch.no_grad()
    def draw(self, latents: Tensor, *, truncation: float = 1.0) -> Tensor:
        """Render latents of this pipeline's prior, (B, K, D), to images (B, 3, H, W)."""
        return self.generator.synthesize(latents, truncation=truncation, repeats=self.prior.repeats)

    def effective(self, settings: DrawSettings) -> DrawSettings:
        """Settings completed with the pipeline's own.

        Those that the prior does not support are None.
        """
        full = settings.with_defaults(self.settings).with_defaults(_DEFAULTS)
        ignored = self.prior.ignored_options
        return DrawSettings(**{n: v for n, v in full.given.items() if n not in ignored})

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the record of every picture says about the parts."""
        parts = {"generator": self.generator, "embedder": self.embedder, "prior": self.prior}
        loose = (file_of_package(part.package) for part in parts.values())
        files = dict(file for file in loose if file is not None)
        named = {role: part.reference for role, part in parts.items() if part.reference}
        return {
            **({"recipe": self.recipe} if self.recipe else {}),
            **named,
            "precision": self.precision,
            "device": str(self.generator.device),
            "fingerprints": {role: part.fingerprint()[:16] for role, part in parts.items()},
            **({"plugin_files": files} if files else {}),
            "version": __version__,
        }

    def __repr__(self) -> str:
        parts = (self.generator, self.embedder, self.prior)
        lines = [f"  {type(p).__name__:<16} {p.reference or repr(p)}" for p in parts]
        return "\n".join([f"Pipeline {self.recipe} on {self.generator.device}".rstrip(), *lines])

    def _results(
        self, request: DrawRequest, skip: Collection[int], on_candidates: OnCandidates | None
    ) -> Iterator[Result]:
        for drawing in draw_pictures(self, request, skip, on_candidates):
            yield Result(**vars(drawing), pipeline=self)
