"""A few hundred pictures of a pipeline, and what they say about how its parts fit."""

# Letters: P prompts, N pictures of each, M fresh pictures, E embedding width, K codes of a latent,
# D width of a code.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from c2l.bridge import Bridge
from c2l.bridge.clouds import Clouds
from c2l.evaluation.distances import spread
from c2l.evaluation.jobs import OnProgress, draw_all
from c2l.evaluation.observing import Observer
from c2l.evaluation.plan import full_settings, make_plan
from c2l.evaluation.run import embed_prompts
from c2l.evaluation.scoring import Scoring
from c2l.evaluation.store import Store
from c2l.pipeline import Pipeline
from c2l.training.validation import draw, nearest

EACH = 2
"""Pictures of each prompt: two, whose difference is the diversity."""
AGAIN = 64
"""Fresh pictures that the prior is to draw again, at most."""


@dataclass(frozen=True)
class Measured:
    """What was measured, see ``MEANINGS``.

    Args:
        scores: by name.
        sampling: the pipeline's settings.
        defaults: the prior's.
    """

    scores: Mapping[str, float]
    sampling: Mapping[str, object]


MEANINGS: Mapping[str, str] = {
    "alignment": "cosine of a picture and its prompt",
    "alignment_random": "the same of random pictures",
    "alignment_neighbours": "the same of the nearest among fresh pictures",
    "named": "how much nearer a picture is to its prompt than to the others",
    "named_neighbours": "the same of the nearest among fresh pictures",
    "told": "how much nearer those are than to a random direction; 1 is chance",
    "again": "cosine of fresh pictures and those drawn from their embeddings",
    "again_other": "cosine of any two fresh pictures",
    "diversity": "how much two pictures of a prompt differ, as a part of random ones",
    "cmmd": "distance from the generator's own pictures (CMMD)",
    "cmmd_random": "the same of random pictures",
    "latents_away": "how far its latents lie from the generator's own, in standard deviations",
    "pictures_moved": "how far pictures lie from those of training, in their spread",
    "seconds": "for a picture",
}
"""The scores of a check."""


@torch.no_grad()
def measure(
    pipeline: Pipeline,
    prompts: Sequence[str],
    *,
    num_fresh: int,
    on_progress: OnProgress = lambda done, num, note: None,
) -> Measured:
    """Draw pictures of prompts, and fresh random ones, and compare them.

    Args:
        prompts: two or more that suit the generator.
        num_fresh: M, fresh pictures of the generator; half of them stand for its distribution, half
            for pictures at random, and all are searched for the nearest to each prompt.
        on_progress: see ``OnProgress``.
    Raises:
        BadInput: an embedding is NaN or infinite.
    """
    plan = make_plan(
        prompts,
        num_images=EACH,
        seed=0,
        guidance=(None,),
        steps=(None,),
        num_reference=num_fresh // 2,
    )
    embedder = pipeline.embedder
    texts = embed_prompts({"own": embedder}, plan)
    observer = Observer({"own": embedder.embed_images}, None)
    drawn = draw_all(pipeline, plan, observer, Store(None, {}), on_progress)
    settings = full_settings(plan, pipeline, None, None, None)
    evaluation = Scoring(pipeline, plan, texts, settings).finish(drawn)
    own, random = evaluation.variants[0], evaluation.baselines[0]
    assert own.cost is not None

    fresh = torch.cat([drawn.reference.features["own"], drawn.random.features["own"]])
    asked = texts["own"]
    near = fresh[nearest(normalize(asked, dim=1) - normalize(asked, dim=1).mean(dim=0), fresh)]
    again = _again(pipeline, fresh[:AGAIN])
    scores = {
        "alignment": own.scores["alignment/own"].value,
        "alignment_random": random.scores["alignment/own"].value,
        "alignment_neighbours": float(cosine_similarity(near, asked).mean()),
        "named": _named(drawn.variants[0].by_prompt(len(prompts)).features["own"], asked),
        "named_neighbours": _named(near[:, None], asked),
        "told": Clouds.measure(fresh, asked).told,
        "again": float(cosine_similarity(again, fresh[:AGAIN]).mean()),
        "again_other": float(1 - spread(fresh[None])),
        "diversity": own.scores["diversity/own"].value / max(float(spread(fresh[None])), 1e-6),
        "cmmd": own.scores["cmmd/own"].value,
        "cmmd_random": random.scores["cmmd/own"].value,
        "seconds": own.cost.total / 1000,
    }
    ours, theirs = drawn.variants[0].latents, drawn.reference.latents
    assert ours is not None and theirs is not None
    scores["latents_away"] = _away(ours, theirs)
    if (moved := _moved(pipeline, fresh)) is not None:
        scores["pictures_moved"] = moved
    return Measured(scores, settings["sampling"])


def _named(pictures: Tensor, texts: Tensor) -> float:
    """How much nearer pictures (P, N, E) are to their own of P texts than to the others.

    What all texts share, and a prior may draw for all of them, counts for nothing.
    """
    cosines = normalize(pictures, dim=2) @ normalize(texts, dim=1).T
    own = cosines.diagonal(dim1=0, dim2=2)
    num = len(texts)
    others = (cosines.sum() - own.sum()) / (cosines[..., 0].numel() * (num - 1))
    return float(own.mean() - others)


def _again(pipeline: Pipeline, embeddings: Tensor) -> Tensor:
    """Embeddings (B, E) of the pictures that the prior draws from embeddings of pictures."""
    prior, generator = pipeline.prior, pipeline.generator
    latents = draw(prior, embeddings.to(prior.device), "image")
    seen = [
        pipeline.embedder.embed_images(generator.synthesize(part, repeats=prior.repeats))
        for part in latents.split(8)
    ]
    return torch.cat(seen).float().cpu()


def _away(ours: Tensor, theirs: Tensor) -> float:
    """How far latents (B, K, D) lie from others (M, K', D), in standard deviations of those.

    The root mean square over all dimensions that vary; 1 for latents of one distribution.
    """
    if ours.shape[1] != theirs.shape[1]:
        ours, theirs = ours.flatten(0, 1)[:, None], theirs.flatten(0, 1)[:, None]
    std, mean = torch.std_mean(theirs.double(), dim=0)
    varies = std > 1e-6 * std.max()
    return float(((ours.double() - mean)[:, varies] / std[varies]).square().mean().sqrt())


def _moved(pipeline: Pipeline, fresh: Tensor) -> float | None:
    """How far the mean of fresh pictures (M, E) lies from that of training, in their spread.

    A prior knows the latter if it has a bridge. None otherwise, and where training mixed latents,
    which moves pictures too.
    """
    bridges = [module for module in pipeline.prior.modules() if isinstance(module, Bridge)]
    mixed = pipeline.prior.config.num_codes != pipeline.generator.latent_space.num_codes
    if not bridges or mixed:
        return None
    unit = normalize(fresh.double(), dim=1)
    mean = unit.mean(dim=0)
    apart = (mean - bridges[0].image_mean.double().cpu()).norm()
    return float(apart / (unit - mean).norm(dim=1).mean().clamp_min(1e-6))
