"""The pipeline: prompt to embedding to latents to images, ranked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from PIL import Image
from torch import Tensor

from c2l.budgets import SAMPLING
from c2l.clock import Clock
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
from c2l.guard import nonfinite, watch
from c2l.photos import Fit, Photo, photo_of
from c2l.prior import Prior
from c2l.prompts.blends import Prompt, embed_prompts, name_of
from c2l.prompts.unwanted import Unwanted, embed_unwanted
from c2l.result import Picture, Result
from c2l.sampling.best_of import AUTO
from c2l.sampling.classes import class_number, name_classes, sample_of_class
from c2l.sampling.enough import draw_enough
from c2l.sampling.operations import Operation
from c2l.sampling.optimising import optimise
from c2l.sampling.ranking import (
    FINALISTS,
    Best,
    candidate_seeds,
    choose_finalists,
    keep_best,
)
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import DrawRequest, DrawSettings
from c2l.sampling.texts import as_written
from c2l.version import __version__
from c2l_registry.loose import file_of_package

if TYPE_CHECKING:
    from c2l.editing.ends import Thing

# Latents sampled at once, and pictures they are for: more would delay the first picture.
_LATENTS_AT_ONCE = 1024
_PICTURES_AT_ONCE = 256

_DEFAULTS = DrawSettings(truncation=1.0, best_of=1, rank_by="pictures", optimise=0)

OnCandidates = Callable[[int, int], None]
"""Called with the number of candidates rendered so far, and in total. Raise to stop drawing."""


class Pipeline:
    """Text to images: an embedder, a prior and a generator that fit each other.

    Made by ``c2l.load_pipeline``, which also checks that they fit.

    Args:
        settings: defaults for what a request leaves open.
        recipe: the name of the recipe; empty for other parts.
        precision: the one that ``c2l.load_pipeline`` was asked for.
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
    ) -> None:
        self.generator = watch(generator)
        self.embedder = watch(embedder)
        self.prior = watch(prior)
        self.settings = settings or DrawSettings()
        self.recipe = recipe
        self.precision = precision

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
            image: an image prompt, alone or blended with one prompt, as of ``like``, which takes
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
        return Result.joined(list(self._batches(request, (), None)))

    def stream(
        self,
        request: DrawRequest,
        *,
        skip: Collection[int] = (),
        on_candidates: OnCandidates | None = None,
    ) -> Iterator[Picture]:
        """Draw one picture after the other; memory does not grow with their number.

        Args:
            request: with prompts. Without a seed, a random one is picked.
            skip: indices of pictures to leave out, counted from 0.
            on_candidates: called as candidates are rendered; may raise to stop.
        """
        for batch in self._batches(request.with_seeds(), skip, on_candidates):
            yield from batch

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
        settings = DrawSettings(truncation=truncation)
        for drawing in draw_all(self, operations, truncation=truncation, prompt=prompt):
            yield Result(**vars(drawing), settings=settings, pipeline=self)

    def truncation(self, given: float | None) -> float:
        """The truncation to draw with: the one that is given, or the pipeline's own."""
        truncation = self.effective(DrawSettings(truncation=given)).truncation
        return 1.0 if truncation is None else truncation

    def edit(
        self, *things: Thing, truncation: float | None = None, seed: int = 0, **how: Any
    ) -> Edit:
        """Pictures to begin an edit with; nothing is drawn yet.

        Args:
            things: pictures, or the paths of PNGs that c2l wrote; prompts; seeds of the
                generator's own pictures; latents; operations.
            truncation: None for that of the pictures, or else the pipeline's own.
            seed: of prompts.
            how: guidance, steps, adherence and negative, of prompts.
        """
        return edit_of(self, things, truncation=truncation, seed=seed, **how)

    def walk(self, ends: Thing | Sequence[Thing], *, frames: int = 60, **how: Any) -> Walk:
        """A walk from end to end and through all between; nothing is drawn yet.

        Args:
            ends: two things or more, as of ``edit``; or one prompt, with several ``seeds``.
            frames: how many, those at the ends included.
            how: ``path`` (linear, slerp or prior; by default the prior where it can), ``loop``,
                ``spacing`` (seen or path), ``seed``, ``seeds`` and ``truncation``; and as of
                ``edit``.
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
            how: ``num_images``, ``seed`` and ``seeds`` as of a call; truncation, guidance, steps,
                adherence, negative and negative_by: see ``DrawRequest``.
        Raises:
            BadInput, BadPicture: the image cannot be read, or a value is out of range.
        """
        return edit_like(self, photo_of(image), prompt, weight=weight, **how)

    def invert(
        self, image: Photo | Path | str | Image.Image | Tensor, *, fit: Fit = "crop", **how: Any
    ) -> Picture:
        """The picture that is nearest to one of the user's own, of any size and shape.

        Args:
            image: a path, a Pillow image, or a tensor (3, H, W) in [-1, 1].
            fit: ``crop`` takes its middle, in the generator's shape; ``pad`` takes all of it, and
                leaves to the generator what is beside it.
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
        """The direction from what one prompt says to what another one says.

        Seconds of drawing, once; then any number of pictures can be moved along it. See also
        ``c2l.Direction`` for files.

        Args:
            keep: what shall stay, each in words: ``("glasses", "hair")``.
            num: pictures that it is the mean of.
            seed: of the first of them.
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

    @torch.no_grad()
    def _batches(
        self, request: DrawRequest, skip: Collection[int], on_candidates: OnCandidates | None
    ) -> Iterator[Result]:
        """Results of a few pictures at a time."""
        settings = self.effective(request)
        number = class_number(self.prior, self.generator, settings.class_label)
        if number is not None:  # a record knows it by its number, whatever it is called
            settings = DrawSettings(**{**settings.given, "class_label": number})
        num_candidates = settings.most_candidates
        by_student = num_candidates > FINALISTS and settings.rank_by != "pictures"
        num_rendered = FINALISTS if by_student else num_candidates
        jobs = [(prompt, seed) for prompt, seeds in enumerate(request.seed_lists) for seed in seeds]
        jobs = [job for i, job in enumerate(jobs) if i not in skip] if skip else jobs
        progress = _Progress(len(jobs) * num_rendered, on_candidates)
        generator = self.generator
        rows = SAMPLING.pictures(generator.image_size, generator.device.type)
        at_once = max(1, rows // num_rendered)
        group = max(1, min(_PICTURES_AT_ONCE, _LATENTS_AT_ONCE // num_candidates))
        clock = Clock(self.generator.device)
        unwanted: Unwanted | None = None
        for first in range(0, len(jobs), group):
            some = jobs[first : first + group]
            with clock.stage("text"):
                targets = self._embed(request, [prompt for prompt, _ in some])
                unwanted = unwanted or embed_unwanted(self.embedder, settings.negative)
            own = [seed for _, seed in some]
            latents, seeds, drawn = self._candidates(
                targets, own, unwanted, settings, clock, by_student=by_student
            )
            for start in range(0, len(some), at_once):
                part = slice(start, start + at_once)
                best, winners = self._render(
                    latents[part], targets[part], rows, settings, number, clock, progress
                )
                chosen = [s[k] for s, k in zip(seeds[part], best.candidates.tolist(), strict=True)]
                prompts = [request.prompts[prompt] for prompt, _ in some[part]]
                yield self._result(best, winners, chosen, prompts, drawn[part], settings, clock)
                clock = Clock(self.generator.device)

    def _candidates(
        self,
        targets: Tensor,
        seeds: Sequence[int],
        unwanted: Unwanted,
        settings: DrawSettings,
        clock: Clock,
        *,
        by_student: bool,
    ) -> tuple[Tensor, Sequence[Sequence[int]], Sequence[int]]:
        """Candidates worth rendering: latents (B, C, K, D), their seeds, and how many were drawn.

        Args:
            targets: (B, E).
            seeds: of the B pictures.
        """
        all_seeds = [candidate_seeds(seed, settings.most_candidates) for seed in seeds]

        def draw(pictures: Sequence[int], candidates: Sequence[int]) -> Tensor:
            asked = [[all_seeds[picture][k] for k in candidates] for picture in pictures]
            with clock.stage("prior"):
                return self._sample(targets[pictures], asked, unwanted, settings)

        if settings.best_of == AUTO:
            enough = draw_enough(self.prior, targets, draw, clock)
            latents, kept, drawn = enough.latents, enough.candidates, enough.drawn
        else:
            num = settings.most_candidates
            latents, drawn = draw(range(len(seeds)), range(num)), [num] * len(seeds)
            if not by_student:
                return latents, all_seeds, drawn
            with clock.stage("student"):
                found = choose_finalists(self.prior, latents, targets)
            latents = latents.gather(1, found[..., None, None].expand(-1, -1, *latents.shape[2:]))
            kept = found.tolist()
        return latents, [[s[k] for k in ks] for s, ks in zip(all_seeds, kept, strict=True)], drawn

    def _embed(self, request: DrawRequest, prompts: Sequence[int]) -> Tensor:
        """Embeddings (B, E) of the request's prompts by index; equal ones are embedded once."""
        wanted = [tuple(request.prompts[i].items()) for i in prompts]
        distinct = list(dict.fromkeys(wanted))
        text = embed_prompts(self.embedder, [dict(prompt) for prompt in distinct])
        place = {prompt: row for row, prompt in enumerate(distinct)}
        return text[torch.tensor([place[prompt] for prompt in wanted], device=text.device)]

    def _sample(
        self,
        targets: Tensor,
        seeds: Sequence[Sequence[int]],
        unwanted: Unwanted,
        settings: DrawSettings,
    ) -> Tensor:
        """Latents (B, C, K, D) of candidates.

        Args:
            targets: (B, E).
            seeds: B lists of C.
            settings: with the class that all are of by its number.
        """
        candidates = targets.repeat_interleave(len(seeds[0]), dim=0)
        flat = [seed for some in seeds for seed in some]
        latents = []
        for first in range(0, len(flat), _LATENTS_AT_ONCE):
            part = candidates[first : first + _LATENTS_AT_ONCE]
            latents.append(
                sample_of_class(
                    self.prior,
                    self.generator,
                    part,
                    number=cast(int | None, settings.class_label),
                    seeds=flat[first : first + _LATENTS_AT_ONCE],
                    guidance=settings.guidance,
                    steps=settings.steps,
                    adherence=settings.adherence,
                    negative=unwanted.of(len(part)),
                    negative_weights=unwanted.weights,
                    negative_by=settings.negative_by,
                )
            )
        return torch.cat(latents).unflatten(0, (len(seeds), -1))

    def _render(
        self,
        latents: Tensor,
        targets: Tensor,
        rows: int,
        settings: DrawSettings,
        number: int | None,
        clock: Clock,
        progress: _Progress,
    ) -> tuple[Best, Tensor]:
        """The best of the candidates (B, C, K, D) of each target, and its latents (B, K, D)."""
        truncation = settings.truncation if settings.truncation is not None else 1.0

        def rendered(flat: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
            for part in flat.split(rows):
                with clock.stage("synthesis"):
                    images = self.draw(part, truncation=truncation)
                with clock.stage("ranking"):
                    embeddings = self.embedder.embed_images(images)
                yield images, embeddings

        num = latents.shape[1]
        best = keep_best(rendered(latents.flatten(0, 1)), targets, num, progress.add)
        winners = latents[torch.arange(len(latents)), best.candidates]
        if settings.optimise:
            with clock.stage("optimising"):
                winners = optimise(
                    self.generator,
                    self.embedder,
                    winners,
                    targets,
                    steps=settings.optimise,
                    truncation=truncation,
                    repeats=self.prior.repeats,
                )
                if number is not None:  # of which the descent knows nothing
                    winners = self.generator.in_classes(winners, [number] * len(winners))
            best = keep_best(rendered(winners), targets, 1, lambda rows: None)
        self.refuse_nonfinite(winners, best.images, best.scores)
        return best, winners

    def refuse_nonfinite(self, latents: Tensor, images: Tensor, scores: Tensor) -> None:
        """Raises if a picture that would be kept, or what belongs to it, holds NaN or infinity.

        The first part that gave any is named. One sum is enough to see it.
        """
        for role, part, method, tensor in (
            ("prior", self.prior, "sample", latents),
            ("generator", self.generator, "synthesize", images),
            ("embedder", self.embedder, "embed_images", scores),
        ):
            if not torch.isfinite(tensor.sum()):
                raise nonfinite(part, role, method)

    def _result(
        self,
        best: Best,
        latents: Tensor,
        seeds: Sequence[int],
        prompts: Sequence[dict[str, float]],
        drawn: Sequence[int],
        settings: DrawSettings,
        clock: Clock,
    ) -> Result:
        how = settings.model_dump(
            mode="json", exclude_none=True, exclude={"best_of", "rank_by", "optimise"}
        )
        if settings.optimise:
            how["optimise"] = settings.optimise
        names = name_classes(self.generator, latents) or [""] * len(seeds)
        records = tuple(
            {
                "schema": SCHEMA,
                "prompt": as_written(prompt),
                "seed": seed,
                **how,
                "score": round(score, 4),
                **({"chosen_from": num} if num > 1 else {}),
                **({"drawn_class": name} if name else {}),
                **self.provenance,
            }
            for prompt, seed, num, score, name in zip(
                prompts, seeds, drawn, best.scores.tolist(), names, strict=True
            )
        )
        return Result(
            images=best.images,
            latents=latents,
            image_embeddings=best.embeddings,
            scores=best.scores,
            seeds=tuple(seeds),
            prompts=tuple(map(name_of, prompts)),
            settings=settings,
            milliseconds={k: round(v, 2) for k, v in clock.milliseconds.items()},
            records=records,
            pipeline=self,
        )


class _Progress:
    """Counts candidates, and reports them."""

    def __init__(self, total: int, report: OnCandidates | None) -> None:
        self._done, self._total, self._report = 0, total, report

    def add(self, num: int) -> None:
        self._done += num
        if self._report is not None:
            self._report(self._done, self._total)
