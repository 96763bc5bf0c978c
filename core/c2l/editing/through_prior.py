"""Latents that the prior samples: for prompts, between two samples, and near other latents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from c2l.budgets import SAMPLING
from c2l.errors import BadInput
from c2l.prompts.blends import embed_prompts
from c2l.prompts.unwanted import embed_unwanted
from c2l.sample_options import Near, Towards
from c2l.sampling.classes import class_number, sample_of_class
from c2l.sampling.operations import Interpolate, PhotoLatents, SampleLatents, Vary, unpacked
from c2l.sampling.parts import Parts
from c2l.sampling.request import DrawSettings

# Letters: B operations, K codes of the prior, L layers of the generator, D width of a code.

_HOW = ("negative", "negative_by", "guidance", "steps", "adherence", "class_label")


def sampled(parts: Parts, operations: Sequence[SampleLatents]) -> Tensor:
    """The latents (B, L, D) of samples."""

    def draw(some: Sequence[SampleLatents]) -> Tensor:
        embeddings = embed_prompts(parts.embedder, [o.prompt for o in some])
        return _sample(
            parts, embeddings, seeds=[o.seed for o in some], **_how(parts, some[0], len(some))
        )

    return _expanded(parts, _grouped(operations, [_settings(o) for o in operations], draw))


def sampled_by_photo(parts: Parts, operations: Sequence[PhotoLatents]) -> Tensor:
    """The latents (B, L, D) of samples for photos, alone or on the way from a prompt to them."""

    def draw(some: Sequence[PhotoLatents]) -> Tensor:
        first, seeds = some[0], [o.seed for o in some]
        photos = torch.stack([unpacked(o.embedding) for o in some]).to(parts.embedder.device)
        how = _how(parts, first, len(some))
        if first.prompt is None:
            return _sample(parts, photos, seeds=seeds, modality="image", **how)
        texts = embed_prompts(parts.embedder, [o.prompt or {} for o in some])
        weights = [o.weight for o in some]
        if "towards" in parts.prior.supported_options:
            way = Towards(photos, seeds, weights, modality="image")
            return _sample(parts, texts, seeds=seeds, towards=way, **how)
        pictured = _sample(parts, photos, seeds=seeds, modality="image", **how)
        share = torch.tensor(weights, device=pictured.device)[:, None, None]
        return torch.lerp(_sample(parts, texts, seeds=seeds, **how), pictured, share)

    alike = [(o.prompt is None, _settings(o)) for o in operations]
    return _expanded(parts, _grouped(operations, alike, draw))


def between(parts: Parts, operations: Sequence[Interpolate]) -> Tensor:
    """The latents (B, L, D) of points on ways through the prior.

    Raises:
        BadInput: the prior knows no way.
    """
    if "towards" not in parts.prior.supported_options:
        kind = parts.prior.reference.partition(":")[0] or type(parts.prior).__name__
        raise BadInput(
            f"a {kind} prior samples nothing between two samples",
            hint="Use `path=slerp` or `path=linear`",
            field="latents",
        )

    def draw(some: Sequence[Interpolate]) -> Tensor:
        starts: list[Any] = [o.start for o in some]
        ends: list[Any] = [o.end for o in some]
        embeddings = embed_prompts(parts.embedder, [o.prompt for o in (*starts, *ends)])
        start, end = embeddings.chunk(2)
        way = Towards(end, [o.seed for o in ends], [o.at for o in some])
        how = _how(parts, starts[0], len(some))
        return _sample(parts, start, seeds=[o.seed for o in starts], towards=way, **how)

    return _expanded(parts, _grouped(operations, [_settings(o.start) for o in operations], draw))


def varied(parts: Parts, operations: Sequence[Vary], bases: Tensor) -> Tensor:
    """Neighbours (B, L, D) of latents ``bases`` (B, L, D).

    Where the prior keeps less apart than the layers of a base do, what is left of them fades with
    the amount. A prior that cannot stay near latents draws fresh ones, towards which they go.
    """
    codes = codes_of(parts, bases)
    rest = bases - parts.generator.latent_space.expand(codes, prior_repeats(parts))
    rows = list(zip(operations, bases, codes, strict=True))
    amounts = torch.tensor([o.amount for o in operations], device=bases.device)[:, None, None]
    stays_near = "near" in parts.prior.supported_options

    def draw(some: Sequence[tuple[Vary, Tensor, Tensor]]) -> Tensor:
        own = torch.stack([code for *_, code in some])
        seeds = [o.seed for o, *_ in some]
        first = some[0][0]
        near = Near(own, first.amount) if stays_near else None
        if isinstance(first.base, SampleLatents):
            embeddings = embed_prompts(parts.embedder, [o.base.prompt for o, *_ in some])  # type: ignore[misc,union-attr]
            how = _how(parts, first.base, len(some))
        else:
            embeddings = _seen(parts, torch.stack([base for _, base, _ in some]))
            how = {"modality": "image", "number": None}
        fresh = _sample(parts, embeddings, seeds=seeds, near=near, **how).to(own.device)
        return fresh if stays_near else torch.lerp(own, fresh, first.amount)

    alike = [
        (o.amount, _settings(o.base) if isinstance(o.base, SampleLatents) else None)
        for o in operations
    ]
    return _expanded(parts, _grouped(rows, alike, draw)) + (1 - amounts) * rest


def _seen(parts: Parts, latents: Tensor) -> Tensor:
    """Embeddings (B, E) of the pictures of latents (B, L, D), each picture embedded once."""
    generator = parts.generator
    rows = SAMPLING.pictures(generator.image_size, generator.device.type)
    distinct, which = torch.unique(latents, dim=0, return_inverse=True)
    with torch.no_grad():
        seen = [parts.embedder.embed_images(generator.synthesize(x)) for x in distinct.split(rows)]
    return torch.cat(seen)[which.to(seen[0].device)]


def _settings(operation: Any) -> object:
    """How a sample is drawn, to compare."""
    return repr([getattr(operation, name) for name in _HOW])


def _how(parts: Parts, operation: SampleLatents | PhotoLatents, num: int) -> dict[str, Any]:
    """The options of ``num`` samples that are drawn as one is."""
    settings = parts.effective(DrawSettings(**{name: getattr(operation, name) for name in _HOW}))
    unwanted = embed_unwanted(parts.embedder, settings.negative)
    return {
        "number": class_number(parts.prior, parts.generator, settings.class_label),
        "guidance": settings.guidance,
        "steps": settings.steps,
        "adherence": settings.adherence,
        "negative": unwanted.of(num),
        "negative_weights": unwanted.weights,
        "negative_by": settings.negative_by,
    }


def _sample(parts: Parts, embeddings: Tensor, **how: Any) -> Tensor:
    """Latents (B, K, D) of the prior."""
    return sample_of_class(parts.prior, parts.generator, embeddings, **how)


def _grouped(items: Sequence[Any], alike: Sequence[object], draw: Any) -> Tensor:
    """What ``draw`` gives for items, drawn together where ``alike`` is equal, in their order."""
    rows: dict[int, Tensor] = {}
    for places in _places(alike):
        rows.update(zip(places, draw([items[i] for i in places]), strict=True))
    return torch.stack([rows[i] for i in range(len(items))])


def _places(values: Sequence[object]) -> Iterator[list[int]]:
    """The places of each value."""
    found: dict[object, list[int]] = {}
    for place, value in enumerate(values):
        found.setdefault(value, []).append(place)
    yield from found.values()


def _expanded(parts: Parts, latents: Tensor) -> Tensor:
    """Latents of the prior, (B, K, D), with a code for each layer."""
    latents = latents.to(parts.generator.device)
    return parts.generator.latent_space.expand(latents, parts.prior.repeats)


def codes_of(parts: Parts, layers: Tensor) -> Tensor:
    """Latents (B, L, D) as the prior knows them, (B, K, D): means of the layers of each code."""
    groups = layers.split(list(prior_repeats(parts)), dim=1)
    return torch.stack([group.mean(dim=1) for group in groups], dim=1)


def prior_repeats(parts: Parts) -> tuple[int, ...]:
    """How many layers each of the prior's K codes feeds."""
    space, num_codes = parts.generator.latent_space, parts.prior.config.num_codes
    if parts.prior.repeats is not None:
        return parts.prior.repeats
    if num_codes == 1:
        return (space.num_layers,)
    return space.repeats if num_codes == space.num_codes else (1,) * space.num_layers
