"""From an operation on latents to its latents, and to a picture."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from c2l.clock import Clock
from c2l.errors import BadInput
from c2l.pipeline import Pipeline
from c2l.prompts.blends import embed_prompts, name_of
from c2l.result import Picture
from c2l.sampling.operations import (
    Direct,
    GivenLatents,
    Interpolate,
    Mix,
    Operation,
    RandomLatents,
    SampleLatents,
)
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import DrawRequest, DrawSettings


@torch.no_grad()
def latents_of(pipeline: Pipeline, operation: Operation) -> Tensor:
    """The latents of one picture, float32, (1, L, D): a code for each layer of the generator.

    Raises:
        BadInput: the operation does not fit the generator: a layer it does not have, say.
    """
    space = pipeline.generator.latent_space
    match operation:
        case SampleLatents():
            return space.expand(_sampled(pipeline, operation), pipeline.prior.repeats)
        case RandomLatents():
            return space.expand(pipeline.generator.sample_latents([operation.seed]))
        case GivenLatents():
            return space.expand(operation.tensor()[None], operation.repeats)
        case Interpolate():
            start, end = (latents_of(pipeline, o) for o in (operation.start, operation.end))
            if operation.path == "slerp":
                return _slerp(start, end, operation.at)
            return torch.lerp(start, end, operation.at)
        case Mix():
            return _mixed(pipeline, operation)
        case Direct():
            return latents_of(pipeline, operation.base) + operation.strength * _direction(
                pipeline, operation
            )


@torch.no_grad()
def draw_operation(pipeline: Pipeline, request: DrawRequest) -> Picture:
    """The picture of a request whose latents are an operation.

    If the request has a prompt too, the picture is scored by it.

    Raises:
        BadInput: as ``latents_of``.
    """
    assert request.latents is not None
    settings = pipeline.effective(request)
    truncation = settings.truncation if settings.truncation is not None else 1.0
    clock = Clock(pipeline.generator.device)
    with clock.stage("latents"):
        latents = latents_of(pipeline, request.latents)
        if not torch.isfinite(latents).all():
            raise BadInput("the latents hold NaN or infinity", hint="Use others", field="latents")
    with clock.stage("synthesis"):
        image = pipeline.generator.synthesize(latents, truncation=truncation)
    score, prompt = math.nan, str(request.latents.op)
    if request.prompts:
        with clock.stage("ranking"):
            target = embed_prompts(pipeline.embedder, request.prompts)
            seen = pipeline.embedder.embed_images(image)
            score = float(cosine_similarity(seen, target.to(seen.device)))
        prompt = name_of(request.prompts[0])
    pipeline.refuse_nonfinite(latents, image, torch.tensor(score if request.prompts else 0.0))
    record = {
        "schema": SCHEMA,
        **({"prompt": request.to_dict()["prompts"][0]} if request.prompts else {}),
        "latents": request.latents.model_dump(mode="json", exclude_none=True),
        "truncation": truncation,
        **({"score": round(score, 4)} if request.prompts else {}),
        **pipeline.provenance,
    }
    return Picture(
        image=image[0],
        latents=latents[0],
        score=score,
        seed=_first_seed(request.latents),
        prompt=prompt,
        record=record,
        milliseconds={k: round(v, 2) for k, v in clock.milliseconds.items()},
    )


def _sampled(pipeline: Pipeline, operation: SampleLatents) -> Tensor:
    names = ("negative", "negative_by", "guidance", "steps", "adherence")
    given = {name: getattr(operation, name) for name in names}
    settings = pipeline.effective(DrawSettings(**given))
    negative = settings.negative or {}
    return pipeline.prior.sample(
        embed_prompts(pipeline.embedder, [operation.prompt]),
        seeds=[operation.seed],
        guidance=settings.guidance,
        steps=settings.steps,
        adherence=settings.adherence,
        negative=pipeline.embedder.embed_text(list(negative))[None] if negative else None,
        negative_weights=tuple(negative.values()),
        negative_by=settings.negative_by,
    )


def _mixed(pipeline: Pipeline, operation: Mix) -> Tensor:
    base, other = (latents_of(pipeline, o) for o in (operation.base, operation.other))
    num_layers = base.shape[1]
    if any(layer >= num_layers for layer in operation.layers):
        raise BadInput(
            f"layer {max(operation.layers)} is not one of the {num_layers} layers of "
            f"{pipeline.generator.reference}",
            hint=f"Layers are counted from 0 to {num_layers - 1}",
            field="latents",
        )
    mixed = base.clone()
    layers = list(operation.layers)
    mixed[:, layers] = torch.lerp(base[:, layers], other[:, layers], operation.share)
    return mixed


def _direction(pipeline: Pipeline, operation: Direct) -> Tensor:
    """The mean latent of ``end`` minus that of ``start``, (1, L, D), from the same seeds."""
    seeds = range(operation.num_seeds)
    settings = pipeline.effective(DrawSettings())

    def mean(text: str) -> Tensor:
        embedding = embed_prompts(pipeline.embedder, [{text: 1.0}])
        latents = pipeline.prior.sample(
            embedding.expand(len(seeds), -1),
            seeds=seeds,
            guidance=settings.guidance,
            steps=settings.steps,
            adherence=settings.adherence,
        )
        return latents.mean(dim=0, keepdim=True)

    step = mean(operation.end) - mean(operation.start)
    return pipeline.generator.latent_space.expand(step, pipeline.prior.repeats)


def _slerp(start: Tensor, end: Tensor, at: float) -> Tensor:
    """Along the arc between the codes' directions, their lengths interpolated."""
    lengths = [x.norm(dim=2, keepdim=True) for x in (start, end)]
    a, b = normalize(start, dim=2), normalize(end, dim=2)
    angle = (a * b).sum(dim=2, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    arc = (((1 - at) * angle).sin() * a + (at * angle).sin() * b) / sine.clamp_min(1e-6)
    unit = torch.where(sine > 1e-4, arc, torch.lerp(a, b, at))
    return torch.lerp(lengths[0], lengths[1], at) * unit


def _first_seed(operation: Operation) -> int:
    """The seed that a file's name shows."""
    match operation:
        case SampleLatents() | RandomLatents():
            return operation.seed
        case Interpolate():
            return _first_seed(operation.start)
        case Mix() | Direct():
            return _first_seed(operation.base)
        case GivenLatents():
            return 0
