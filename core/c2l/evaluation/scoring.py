"""From what was drawn to a finished evaluation."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.evaluation.cost import measure_costs
from c2l.evaluation.jobs import Drawn
from c2l.evaluation.metrics import in_order
from c2l.evaluation.observations import Observations
from c2l.evaluation.plan import Plan, Variant
from c2l.evaluation.result import Cost, Evaluation, Outcome
from c2l.evaluation.scores import cosines_of, score_attributes, score_prompts, score_quality
from c2l.images import to_pil
from c2l.pipeline import Pipeline
from c2l.prompts.blends import name_of
from c2l.sampling.best_of import AUTO

Pictures = tuple[tuple[bytes, ...], ...]
"""For each prompt that is shown, a WebP file of every picture."""


@dataclass(frozen=True)
class Scoring:
    """Scores what was drawn for a plan.

    Args:
        texts: embeddings of the P prompts by each embedder, (P, E).
        settings: as ``full_settings`` gives them.
    """

    pipeline: Pipeline
    plan: Plan
    texts: Mapping[str, Tensor]
    settings: Mapping[str, Any]

    def finish(self, drawn: Drawn) -> Evaluation:
        """Score everything, and measure what it costs."""
        plan = self.plan
        costs = measure_costs(self.pipeline, plan.prompts[0], plan.variants, drawn.variants)
        variants = zip(plan.variants, drawn.variants, costs, strict=True)
        return Evaluation(
            settings=self.settings,
            variants=tuple(self._outcome(*each, drawn.reference) for each in variants),
            baselines=tuple(self._baselines(drawn)),
            rows=tuple(
                row for index, seen in enumerate(drawn.variants) for row in self._rows(index, seen)
            ),
            pictures=tuple(_pictures(plan, seen) for seen in drawn.variants),
        )

    def _outcome(
        self, variant: Variant, seen: Observations, cost: Cost, reference: Observations
    ) -> Outcome:
        guidance = self._effective("guidance", variant.guidance)
        steps = self._effective("steps", variant.steps)
        quality = score_quality(seen.by_prompt(len(self.plan.prompts)), reference)
        return Outcome(
            label=_label(guidance, steps, self.settings["sampling"]),
            guidance=guidance,
            steps=steps,
            scores=in_order(self._score_prompts(seen) | quality),
            by_attribute=score_attributes(self.plan, seen),
            cost=cost,
        )

    def _baselines(self, drawn: Drawn) -> Iterator[Outcome]:
        plan, random = self.plan, drawn.random
        # M random pictures are dealt out to the prompts, N to each, as if drawn for them.
        dealt = random.rows(torch.arange(plan.num_pictures) % len(random))
        # Compared with the reference, each of them counts once and alone.
        num = min(plan.num_pictures, len(random))
        once = random.rows(torch.arange(num)).by_prompt(num)
        yield Outcome(
            label="random latents",
            scores=in_order(self._score_prompts(dealt) | score_quality(once, drawn.reference)),
            by_attribute=score_attributes(plan, dealt),
        )
        if drawn.drawings is not None:
            yield Outcome(
                label="true drawings",
                scores=in_order(self._score_prompts(drawn.drawings)),
                by_attribute=score_attributes(plan, drawn.drawings),
            )

    def _score_prompts(self, seen: Observations) -> dict[str, Any]:
        std = self.pipeline.generator.latent_space.std.cpu()
        return score_prompts(self.plan, self.texts, seen, std)

    def _rows(self, index: int, seen: Observations) -> Iterator[dict[str, Any]]:
        """The lines of ``results.jsonl`` for one variant."""
        plan, by_prompt = self.plan, seen.by_prompt(len(self.plan.prompts))
        cosines = cosines_of(self.texts, by_prompt)
        best = cosines["own"].argmax(1).tolist()
        named = plan.named
        for i, prompt in enumerate(plan.prompts):
            for j, seed in enumerate(plan.seeds(i)):
                row: dict[str, Any] = {"variant": index, "prompt": prompt, "seed": seed}
                row |= {name: round(float(cosine[i, j]), 5) for name, cosine in cosines.items()}
                row["best"] = best[i] == j
                if named:
                    row["named"] = named[i]
                    row["sees"] = {n: int(x[i, j]) for n, x in by_prompt.attributes.items()}
                yield row

    def _effective(self, name: str, value: Any) -> Any:
        """What was sampled with: the variant's value, else the pipeline's, else the prior's."""
        if value is None:
            value = self.settings["sampling"].get(name)
        return self.settings["defaults"].get(name) if value is None else value


def _label(guidance: float | None, steps: int | None, sampling: Mapping[str, Any]) -> str:
    """What a variant is called: everything in which two of the same prior may differ."""
    parts = []
    if guidance is not None:
        parts.append(f"guidance {guidance:g}")
    if steps is not None:
        parts.append(f"{steps} step{'s' if steps != 1 else ''}")
    if sampling["adherence"] is not None:
        parts.append(f"adherence {sampling['adherence']:g}")
    if sampling["negative"]:
        parts.append(f"not '{name_of(sampling['negative'])}'")
    if sampling["best_of"] == AUTO:
        parts.append("each the best of as many as help")
    elif sampling["best_of"] > 1:
        by = " by the student" if sampling["rank_by"] == "student" else ""
        parts.append(f"each the best of {sampling['best_of']}{by}")
    if sampling["optimise"]:
        parts.append(f"optimised {sampling['optimise']} steps")
    return ", ".join(parts) or "default settings"


def _pictures(plan: Plan, seen: Observations) -> Pictures:
    if seen.thumbnails is None:
        return ()
    by_prompt = seen.thumbnails.unflatten(0, (plan.num_shown, -1))
    return tuple(tuple(map(_webp, thumbnails)) for thumbnails in by_prompt)


def _webp(pixels: Tensor) -> bytes:
    """A thumbnail, uint8 (3, h, w), as a file."""
    buffer = io.BytesIO()
    to_pil((pixels.float() - 128) / 127.5).save(buffer, "WEBP", quality=88, method=4)
    return buffer.getvalue()
