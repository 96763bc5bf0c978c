"""From batches of what was seen to an evaluation."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.evaluation.cost import measure_costs
from c2l.evaluation.jobs import DRAWINGS, RANDOM, REFERENCE, Batches, variant_name
from c2l.evaluation.plan import Plan
from c2l.evaluation.result import Evaluation, Outcome
from c2l.evaluation.scores import (
    attributes_of,
    cosines_of,
    group,
    in_order,
    score_attributes,
    score_prompts,
    score_quality,
)
from c2l.images import to_pil
from c2l.pipeline import Pipeline, SamplingSettings


@dataclass(frozen=True)
class Scoring:
    """From what was seen to what is reported.

    Args:
        texts: embeddings of the P prompts by each embedder, (P, E).
        settings: as ``full_settings`` gives them.
    """

    pipeline: Pipeline
    plan: Plan
    texts: Mapping[str, Tensor]
    settings: Mapping[str, Any]

    def finish(self, batches: Mapping[str, Batches]) -> Evaluation:
        """Score everything that was drawn."""
        plan, reference = self.plan, _joined(batches[REFERENCE])
        std = self.pipeline.generator.latent_space.std.cpu()
        variants, pictures = [], []
        rows: list[dict[str, Any]] = []
        parts = [batches[variant_name(index)] for index in range(len(plan.variants))]
        costs = measure_costs(self.pipeline, plan.prompts[0], plan.variants, parts)
        for index, variant in enumerate(plan.variants):
            drawn = _joined(parts[index])
            by_prompt = group(plan, drawn)
            guidance = self._used("guidance", variant.guidance)
            steps = self._used("steps", variant.steps)
            scores = score_prompts(plan, self.texts, drawn, std)
            scores |= score_quality(by_prompt, reference)
            variants.append(
                Outcome(
                    label=_label(guidance, steps, self.pipeline.settings),
                    guidance=guidance,
                    steps=steps,
                    scores=in_order(scores),
                    by_attribute=score_attributes(plan, drawn),
                    cost=costs[index],
                )
            )
            rows += self._rows(index, by_prompt)
            shown = drawn["thumbnails"].unflatten(0, (plan.num_shown, -1))
            pictures.append(tuple(tuple(map(_webp, some)) for some in shown))
        return Evaluation(
            settings=self.settings,
            variants=tuple(variants),
            baselines=tuple(self._baselines(batches, reference, std)),
            rows=tuple(rows),
            pictures=tuple(pictures),
        )

    def _baselines(
        self, batches: Mapping[str, Batches], reference: Mapping[str, Tensor], std: Tensor
    ) -> Iterator[Outcome]:
        plan, pool = self.plan, _joined(batches[RANDOM])
        # M pictures dealt out to all prompts, N to each, as if drawn for them.
        rows = torch.arange(plan.num_pictures) % plan.num_reference
        dealt = {name: x[rows] for name, x in pool.items()}
        once = {name: x[: plan.num_pictures, None] for name, x in pool.items()}
        scores = score_prompts(plan, self.texts, dealt, std) | score_quality(once, reference)
        by_attribute = score_attributes(plan, dealt)
        yield Outcome("random latents", None, None, in_order(scores), by_attribute)
        if DRAWINGS in batches:
            drawn = _joined(batches[DRAWINGS])
            scores = score_prompts(plan, self.texts, drawn, std)
            by_attribute = score_attributes(plan, drawn)
            yield Outcome("true drawings", None, None, in_order(scores), by_attribute)

    def _rows(self, index: int, by_prompt: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
        """The lines of ``results.jsonl`` for one variant."""
        plan, sees = self.plan, attributes_of(by_prompt)
        cosines = cosines_of(self.texts, by_prompt)
        best = cosines["own"].argmax(1).tolist()
        seeds, named = iter(plan.seeds(0, len(plan.prompts))), plan.named
        for i, prompt in enumerate(plan.prompts):
            for j in range(plan.num_images):
                row: dict[str, Any] = {"variant": index, "prompt": prompt, "seed": next(seeds)}
                row |= {name: round(float(cosine[i, j]), 5) for name, cosine in cosines.items()}
                row["best"] = best[i] == j
                if named:
                    row["named"] = named[i]
                    row["sees"] = {name: int(values[i, j]) for name, values in sees.items()}
                yield row

    def _used(self, name: str, value: Any) -> Any:
        """What was sampled with: the variant's value, or else the recipe's or the prior's own."""
        if value is None:
            value = self.settings["sampling"].get(name)
        return self.settings["defaults"].get(name) if value is None else value


def _joined(batches: Batches) -> dict[str, Tensor]:
    """Batches to one; those beyond the shown prompts have no thumbnails."""
    names = [name for name in batches[0] if not name.startswith("ms ")]
    return {name: torch.cat([b[name] for b in batches if name in b]) for name in names}


def _label(guidance: float | None, steps: int | None, settings: SamplingSettings) -> str:
    """What a variant is called: all in which one of the same prior might differ."""
    by = " by the student" if settings.rank_by == "student" else ""
    parts = [
        f"guidance {guidance:g}" if guidance is not None else "",
        f"{steps} step{'s' if steps != 1 else ''}" if steps is not None else "",
        f"adherence {settings.adherence:g}" if settings.adherence is not None else "",
        f"not '{settings.negative}'" if settings.negative else "",
        f"each the best of {settings.best_of}{by}" if settings.best_of > 1 else "",
        f"optimised {settings.optimise} steps" if settings.optimise else "",
    ]
    return ", ".join(filter(None, parts)) or "as it is"


def _webp(pixels: Tensor) -> bytes:
    """A thumbnail, uint8 (3, h, w), as a file."""
    buffer = io.BytesIO()
    to_pil((pixels.float() - 128) / 127.5).save(buffer, "WEBP", quality=88, method=4)
    return buffer.getvalue()
