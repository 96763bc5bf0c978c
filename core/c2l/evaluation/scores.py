"""Everything that is scored: what each is called, and how it comes from what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.evaluation import fidelity
from c2l.evaluation.distances import cmmd, density_and_coverage, latent_spread, spread
from c2l.evaluation.estimates import Difference, Estimate
from c2l.evaluation.judge import shares_right
from c2l.evaluation.plan import Plan

EMBEDDERS = ("own", "independent")


@dataclass(frozen=True)
class Metric:
    """How a score is written.

    Args:
        title: in tables.
        higher: is better; None where neither is.
        percent: shown as per cent.
        digits: after the point.
        meaning: one sentence for the reader of a report.
    """

    title: str
    higher: bool | None
    percent: bool = False
    digits: int = 3
    meaning: str = ""

    def named(self, num: int) -> str:
        """The title, with the number of pictures of each prompt."""
        return self.title.replace("best of N", f"best of {num}")

    def text(self, estimate: Estimate) -> str:
        """``98.3 ± 0.7``."""
        return self._text(estimate.value, estimate.error, "")

    def difference_text(self, difference: Difference) -> str:
        """``+1.9 ± 0.4``."""
        return self._text(difference.value, difference.error, "+")

    def _text(self, value: float, error: float | None, sign: str) -> str:
        factor = 100 if self.percent else 1
        text = f"{factor * value:{sign}.{self.digits}f}"
        return text if error is None else f"{text} ± {factor * error:.{self.digits}f}"


METRICS: dict[str, Metric] = {
    "accuracy": Metric("named attributes, %", True, True, 1,
        "Share of the attributes named in a prompt that the judge sees in one picture."),
    "accuracy/best": Metric("… best of N, %", True, True, 1,
        "The same for the picture that the recipe's own embedder chose among N."),
    "all": Metric("all of them, %", True, True, 1,
        "Share of pictures that show every attribute that the prompt names."),
    "all/best": Metric("… best of N, %", True, True, 1, "The same for the chosen pictures."),
    "alignment/own": Metric("alignment, own", True, meaning=
        "Cosine of picture and prompt by the embedder that the prior was trained with."),
    "alignment/own/best": Metric("… best of N", True, meaning=
        "The same for the picture that this embedder chose among N: flattered by choosing."),
    "alignment/independent": Metric("alignment, independent", True, meaning=
        "Cosine of picture and prompt by an embedder that had no part in drawing."),
    "alignment/independent/best": Metric("… best of N", True, meaning=
        "The same for the picture that the recipe's own embedder chose."),
    "diversity/own": Metric("diversity, own", True, meaning=
        "Mean of 1 - cosine over all pairs of one prompt's pictures."),
    "diversity/independent": Metric("diversity, independent", True, meaning=
        "The same by the independent embedder."),
    "diversity/latents": Metric("diversity of latents", True, meaning=
        "Mean distance over all pairs of one prompt's latents, in standard deviations; "
        "about 1.4 for random ones."),
    "cmmd/own": Metric("CMMD, own", False, meaning=
        "Distance of all pictures from the generator's own distribution; 0 is the same."),
    "cmmd/independent": Metric("CMMD, independent", False, meaning=
        "The same by the independent embedder."),
    "density/own": Metric("density, own", None, meaning=
        "How typical the pictures are of the generator's own; 1 is as typical as those."),
    "density/independent": Metric("density, independent", None, meaning=
        "The same by the independent embedder."),
    "coverage/own": Metric("coverage, own", True, meaning=
        "Share of the generator's own pictures that have a picture of a prompt near them."),
    "coverage/independent": Metric("coverage, independent", True, meaning=
        "The same by the independent embedder."),
    "fid": Metric("FID", False, digits=2, meaning=
        "Frechet distance of Inception features; biased, falls with the number of pictures."),
    "kid": Metric("KID x 1000", False, digits=2, meaning=
        "Kernel distance of Inception features; unbiased."),
}  # fmt: skip


def score_prompts(
    plan: Plan, text: Mapping[str, Tensor], pictures: Mapping[str, Tensor], std: Tensor
) -> dict[str, Estimate]:
    """Score pictures by the prompts they were drawn for.

    Args:
        text: embeddings of the P prompts by each embedder, (P, E).
        pictures: what was seen, (P * N, ...) each: features, attributes, latents.
        std: of the generator's latent space.
    """
    by_prompt = group(plan, pictures)
    cosines = cosines_of(text, by_prompt)
    best = cosines["own"].argmax(1, keepdim=True)
    many = by_prompt["own"].shape[1] > 1
    scores: dict[str, Estimate] = {}

    def add(name: str, values: Tensor) -> None:
        """The mean of one sample and the value of the best, of values (P, N)."""
        scores[name] = Estimate.of_mean(values.mean(1))
        if many:
            scores[f"{name}/best"] = Estimate.of_mean(values.gather(1, best)[:, 0])

    sees = attributes_of(by_prompt)
    if sees and plan.named:
        right = shares_right(plan.named, sees)
        add("accuracy", right["share"])
        add("all", right["all"])
    for name, cosine in cosines.items():
        add(f"alignment/{name}", cosine)
    if many:
        for name in cosines:
            scores[f"diversity/{name}"] = Estimate.of_mean(spread(by_prompt[name]))
        if "latents" in by_prompt:
            scores["diversity/latents"] = Estimate.of_mean(latent_spread(by_prompt["latents"], std))
    return scores


def score_quality(
    pictures: Mapping[str, Tensor], reference: Mapping[str, Tensor]
) -> dict[str, Estimate]:
    """Score pictures by how they compare with the generator's own.

    Args:
        pictures: features by prompt, (P, N, E) each.
        reference: features, (M, E) each.
    """
    scores: dict[str, Estimate] = {}
    for name in EMBEDDERS:
        if name not in pictures:
            continue
        ours, theirs = pictures[name], reference[name]
        if ours.shape[0] * ours.shape[1] > 1:
            scores[f"cmmd/{name}"] = cmmd(ours, theirs)
        density, coverage = density_and_coverage(ours, theirs)
        scores |= {f"density/{name}": density, f"coverage/{name}": coverage}
    if "inception" in pictures:
        features = pictures["inception"].flatten(0, 1)
        fid, kid = fidelity.fid_and_kid(features, reference["inception"])
        scores |= {"fid": Estimate(fid), "kid": Estimate(kid)}
    return scores


def in_order(scores: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """As ``METRICS`` lists them."""
    return {name: scores[name] for name in METRICS if name in scores}


def group(plan: Plan, pictures: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What was seen in P * N pictures, by prompt: (P, N, ...) each."""
    return {
        name: x.unflatten(0, (len(plan.prompts), -1))
        for name, x in pictures.items()
        if name != "thumbnails" and not name.startswith("ms ")
    }


def score_attributes(plan: Plan, pictures: Mapping[str, Tensor]) -> dict[str, Estimate]:
    """Accuracy for each attribute alone, over the prompts that name it."""
    sees = attributes_of(group(plan, pictures))
    if not sees or not plan.named:
        return {}
    right = shares_right(plan.named, sees)["by_attribute"]
    return {name: Estimate.of_mean(marks.float().mean(1)) for name, marks in right.items()}


def cosines_of(text: Mapping[str, Tensor], by_prompt: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cosines of N pictures with their prompt, (P, N), by each embedder."""
    return {
        name: F.cosine_similarity(by_prompt[name].double(), text[name].double()[:, None], dim=2)
        for name in EMBEDDERS
        if name in by_prompt
    }


def attributes_of(pictures: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the judge sees, by attribute."""
    return {n.removeprefix("sees "): x for n, x in pictures.items() if n.startswith("sees ")}


def repeat_to(plan: Plan, pool: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """M random pictures dealt out to all prompts, N to each, as if drawn for them."""
    size = len(pool["own"])
    rows = torch.arange(plan.num_pictures) % size
    return {name: x[rows] for name, x in pool.items()}
