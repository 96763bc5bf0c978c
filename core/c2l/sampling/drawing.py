"""Pictures of prompts, a few at a time: embedded, sampled, rendered, ranked, recorded."""

# Letters: B pictures, C candidates of each, K codes of width D, E embedding width.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.budgets import SAMPLING
from c2l.clock import Clock
from c2l.prompts.blends import embed_prompts, name_of
from c2l.prompts.unwanted import Unwanted, embed_unwanted
from c2l.sampling.candidates import draw_candidates, num_rendered, pictures_at_once
from c2l.sampling.classes import class_number, name_classes
from c2l.sampling.optimising import optimise
from c2l.sampling.parts import Parts, refuse_nonfinite
from c2l.sampling.ranking import Best, keep_best
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import DrawRequest, DrawSettings
from c2l.sampling.texts import as_written

OnCandidates = Callable[[int, int], None]
"""Called with the number of candidates rendered so far, and in total. Raise to stop drawing."""


@dataclass(frozen=True)
class Drawing:
    """Pictures that were drawn. ``c2l.Result`` adds what users do with them, and says what each
    field holds."""

    images: Tensor
    latents: Tensor
    image_embeddings: Tensor
    scores: Tensor
    seeds: tuple[int, ...]
    prompts: tuple[str, ...]
    settings: DrawSettings
    milliseconds: dict[str, float]
    records: tuple[Mapping[str, Any], ...]


@torch.no_grad()
def draw_pictures(
    parts: Parts,
    request: DrawRequest,
    skip: Collection[int] = (),
    on_candidates: OnCandidates | None = None,
) -> Iterator[Drawing]:
    """Draw the pictures of a request, as many at once as memory allows.

    Args:
        request: with prompts and seeds.
        skip: indices of pictures to leave out, counted from 0.
        on_candidates: called as candidates are rendered; may raise to stop.
    """
    settings = parts.effective(request)
    number = class_number(parts.prior, parts.generator, settings.class_label)
    if number is not None:  # a record knows it by its number, whatever it is called
        settings = DrawSettings(**{**settings.given, "class_label": number})
    jobs = [(prompt, seed) for prompt, seeds in enumerate(request.seed_lists) for seed in seeds]
    jobs = [job for i, job in enumerate(jobs) if i not in skip] if skip else jobs
    rendering = _Rendering(parts, settings, len(jobs), on_candidates)
    group = pictures_at_once(settings)
    clock = Clock(parts.generator.device)
    unwanted: Unwanted | None = None
    for first in range(0, len(jobs), group):
        some = jobs[first : first + group]
        prompts = [request.prompts[prompt] for prompt, _ in some]
        with clock.stage("text"):
            targets = _embed(parts, prompts)
            unwanted = unwanted or embed_unwanted(parts.embedder, settings.negative)
        own = [seed for _, seed in some]
        found = draw_candidates(parts, targets, own, unwanted, settings, clock)
        for start in range(0, len(some), rendering.pictures_at_once):
            part = slice(start, start + rendering.pictures_at_once)
            best, winners = rendering.best_of(found.latents[part], targets[part], clock)
            chosen = best.candidates.tolist()
            seeds = [s[k] for s, k in zip(found.seeds[part], chosen, strict=True)]
            yield _drawing(
                parts, best, winners, seeds, prompts[part], found.drawn[part], settings, clock
            )
            clock = Clock(parts.generator.device)


def _embed(parts: Parts, prompts: Sequence[Mapping[str, float]]) -> Tensor:
    """Embeddings (B, E) of prompts; equal ones are embedded once."""
    wanted = [tuple(prompt.items()) for prompt in prompts]
    distinct = list(dict.fromkeys(wanted))
    text = embed_prompts(parts.embedder, [dict(prompt) for prompt in distinct])
    place = {prompt: row for row, prompt in enumerate(distinct)}
    return text[torch.tensor([place[prompt] for prompt in wanted], device=text.device)]


class _Rendering:
    """Renders candidates, and keeps the best.

    Args:
        num_pictures: of which candidates are counted.
    """

    def __init__(
        self,
        parts: Parts,
        settings: DrawSettings,
        num_pictures: int,
        on_candidates: OnCandidates | None,
    ) -> None:
        generator, each = parts.generator, num_rendered(settings)
        self._parts, self._settings = parts, settings
        self._truncation = 1.0 if settings.truncation is None else settings.truncation
        self._rows = SAMPLING.pictures(generator.image_size, generator.device.type)
        self.pictures_at_once = max(1, self._rows // each)
        self._done, self._total, self._on_candidates = 0, num_pictures * each, on_candidates

    def best_of(self, latents: Tensor, targets: Tensor, clock: Clock) -> tuple[Best, Tensor]:
        """The best of the candidates (B, C, K, D) of each target, and its latents (B, K, D)."""
        num = latents.shape[1]
        flat = latents.flatten(0, 1)
        best = keep_best(self._rendered(flat, clock), targets, num, self._count)
        winners = latents[torch.arange(len(latents)), best.candidates]
        if self._settings.optimise:
            with clock.stage("optimising"):
                winners = self._optimised(winners, targets)
            best = keep_best(self._rendered(winners, clock), targets, 1, lambda rows: None)
        refuse_nonfinite(self._parts, winners, best.images, best.scores)
        return best, winners

    def _rendered(self, latents: Tensor, clock: Clock) -> Iterator[tuple[Tensor, Tensor]]:
        """Images of latents (N, K, D) and their embeddings, a few at a time."""
        generator, repeats = self._parts.generator, self._parts.prior.repeats
        for part in latents.split(self._rows):
            with clock.stage("synthesis"):
                images = generator.synthesize(part, truncation=self._truncation, repeats=repeats)
            with clock.stage("ranking"):
                embeddings = self._parts.embedder.embed_images(images)
            yield images, embeddings

    def _optimised(self, latents: Tensor, targets: Tensor) -> Tensor:
        parts, number = self._parts, self._settings.class_label
        latents = optimise(
            parts.generator,
            parts.embedder,
            latents,
            targets,
            steps=self._settings.optimise or 0,
            truncation=self._truncation,
            repeats=parts.prior.repeats,
        )
        if number is None:
            return latents
        # The descent knows nothing of classes.
        return parts.generator.in_classes(latents, [int(number)] * len(latents))

    def _count(self, num: int) -> None:
        self._done += num
        if self._on_candidates is not None:
            self._on_candidates(self._done, self._total)


def _drawing(
    parts: Parts,
    best: Best,
    latents: Tensor,
    seeds: Sequence[int],
    prompts: Sequence[dict[str, float]],
    drawn: Sequence[int],
    settings: DrawSettings,
    clock: Clock,
) -> Drawing:
    how = settings.model_dump(
        mode="json", exclude_none=True, exclude={"best_of", "rank_by", "optimise"}
    )
    if settings.optimise:
        how["optimise"] = settings.optimise
    names = name_classes(parts.generator, latents) or [""] * len(seeds)
    records = tuple(
        {
            "schema": SCHEMA,
            "prompt": as_written(prompt),
            "seed": seed,
            **how,
            "score": round(score, 4),
            **({"chosen_from": num} if num > 1 else {}),
            **({"drawn_class": name} if name else {}),
            **parts.provenance,
        }
        for prompt, seed, num, score, name in zip(
            prompts, seeds, drawn, best.scores.tolist(), names, strict=True
        )
    )
    return Drawing(
        images=best.images,
        latents=latents,
        image_embeddings=best.embeddings,
        scores=best.scores,
        seeds=tuple(seeds),
        prompts=tuple(map(name_of, prompts)),
        settings=settings,
        milliseconds={k: round(v, 2) for k, v in clock.milliseconds.items()},
        records=records,
    )
