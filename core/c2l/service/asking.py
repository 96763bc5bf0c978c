"""What a pipeline is asked besides drawing: embeddings, scores, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.photos import Photo
from c2l.pipeline import Pipeline
from c2l.prompts.blends import check_text
from c2l.sample_options import OPTIONAL


@torch.no_grad()
def embed(
    pipeline: Pipeline, texts: Sequence[str] = (), photos: Sequence[Photo] = ()
) -> list[list[float]]:
    """Embed texts and pictures with the pipeline's embedder.

    Args:
        texts: any number, none of them empty.
        photos: as ``read_photo_data`` gives them.
    Returns:
        A row of E numbers for each, texts first, not normalised.
    Raises:
        BadInput: a text is empty or cannot be encoded.
    """
    return [*_texts(pipeline, texts).tolist(), *_pictures(pipeline, photos).tolist()]


@torch.no_grad()
def score(pipeline: Pipeline, photos: Sequence[Photo], texts: Sequence[str]) -> list[list[float]]:
    """How well pictures show texts, according to the pipeline's embedder.

    Args:
        photos: as ``read_photo_data`` gives them.
        texts: any number, none of them empty.
    Returns:
        A row for each picture, with its cosine to each text, from -1 to 1.
    Raises:
        BadInput: as ``embed``.
    """
    seen, said = _pictures(pipeline, photos), _texts(pipeline, texts)
    cosines = normalize(seen, dim=1) @ normalize(said, dim=1).T
    return [[round(value, 4) for value in row] for row in cosines.tolist()]


def describe_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    """What the parts of a pipeline are and can, JSON-able."""
    height, width = pipeline.generator.image_size
    space, classes = pipeline.generator.latent_space, pipeline.generator.classes
    return {
        "width": width,
        "height": height,
        "latent_space": {
            "num_codes": space.num_codes,
            "width": space.width,
            "num_layers": space.num_layers,
        },
        "embedding_width": pipeline.embedder.width,
        "options": sorted(OPTIONAL - pipeline.prior.ignored_options),
        "classes": None if classes is None else [classes.name(n) for n in range(classes.num)],
        "has_gradient": pipeline.generator.differentiable,
        "has_student": pipeline.prior.student is not None,
        "settings": pipeline.effective(pipeline.settings).model_dump(mode="json"),
        **pipeline.provenance,
    }


def _texts(pipeline: Pipeline, texts: Sequence[str]) -> Tensor:
    for text in texts:
        check_text(text, "text")
    if not texts:
        return torch.empty(0, pipeline.embedder.width)
    return pipeline.embedder.embed_text(list(texts)).float().cpu()


def _pictures(pipeline: Pipeline, photos: Sequence[Photo]) -> Tensor:
    rows = [
        pipeline.embedder.embed_images(photo.fitted(pipeline.generator.image_size).pixels)
        for photo in photos
    ]
    return torch.cat(rows).float().cpu() if rows else torch.empty(0, pipeline.embedder.width)
