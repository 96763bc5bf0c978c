"""Every score, computed from what was seen in pictures."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F

from c2l.evaluation import fidelity
from c2l.evaluation.distances import cmmd, density_and_coverage, latent_spread, spread
from c2l.evaluation.estimates import Estimate
from c2l.evaluation.judge import mark_attributes
from c2l.evaluation.observations import Observations
from c2l.evaluation.plan import Plan

EMBEDDERS = ("own", "independent")
"""The extractors that embed prompts too."""


def score_prompts(
    plan: Plan, texts: Mapping[str, Tensor], pictures: Observations, std: Tensor
) -> dict[str, Estimate]:
    """Score pictures by the prompts that they were drawn for.

    Args:
        texts: embeddings of the P prompts by each embedder, (P, E).
        pictures: of all prompts, the same number of each.
        std: of the generator's latent space.
    """
    by_prompt = pictures.by_prompt(len(plan.prompts))
    cosines = cosines_of(texts, by_prompt)
    best = cosines["own"].argmax(1, keepdim=True)
    several = best.shape != cosines["own"].shape
    scores: dict[str, Estimate] = {}

    def add(name: str, values: Tensor) -> None:
        """The mean over all pictures, and the value of the best, of values (P, N)."""
        scores[name] = Estimate.of_mean(values.mean(1))
        if several:
            scores[f"{name}/best"] = Estimate.of_mean(values.gather(1, best)[:, 0])

    if by_prompt.attributes and plan.named:
        marks = mark_attributes(plan.named, by_prompt.attributes)
        add("accuracy", marks.share)
        add("all", marks.all)
    for name, cosine in cosines.items():
        add(f"alignment/{name}", cosine)
    if several:
        for name in cosines:
            scores[f"diversity/{name}"] = Estimate.of_mean(spread(by_prompt.features[name]))
        if by_prompt.latents is not None:
            scores["diversity/latents"] = Estimate.of_mean(latent_spread(by_prompt.latents, std))
    return scores


def score_attributes(plan: Plan, pictures: Observations) -> dict[str, Estimate]:
    """The accuracy of each attribute alone, over the prompts that name it."""
    seen = pictures.by_prompt(len(plan.prompts)).attributes
    if not seen or not plan.named:
        return {}
    marks = mark_attributes(plan.named, seen).by_attribute
    return {name: Estimate.of_mean(right.float().mean(1)) for name, right in marks.items()}


def score_quality(by_prompt: Observations, reference: Observations) -> dict[str, Estimate]:
    """Score pictures by comparison with the generator's own.

    Args:
        by_prompt: grouped, (P, N, ...).
        reference: M pictures, not grouped.
    """
    scores: dict[str, Estimate] = {}
    for name in EMBEDDERS:
        if name not in by_prompt.features:
            continue
        ours, theirs = by_prompt.features[name], reference.features[name]
        if ours.shape[0] * ours.shape[1] > 1:
            scores[f"cmmd/{name}"] = cmmd(ours, theirs)
        density, coverage = density_and_coverage(ours, theirs)
        scores |= {f"density/{name}": density, f"coverage/{name}": coverage}
    if "inception" in by_prompt.features:
        features = by_prompt.features["inception"].flatten(0, 1)
        fid, kid = fidelity.fid_and_kid(features, reference.features["inception"])
        scores |= {"fid": Estimate(fid), "kid": Estimate(kid)}
    return scores


def cosines_of(texts: Mapping[str, Tensor], by_prompt: Observations) -> dict[str, Tensor]:
    """Cosines of N pictures with their prompt, float64, (P, N), by each embedder."""
    return {
        name: F.cosine_similarity(
            by_prompt.features[name].double(), texts[name].double()[:, None], dim=2
        )
        for name in EMBEDDERS
        if name in by_prompt.features
    }
