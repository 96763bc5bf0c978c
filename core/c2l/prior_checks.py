"""What priors are given: embeddings, pairs and options are refused here where they do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.prior_settings import PriorSettings
from c2l.sample_options import SampleOptions


def check_embeddings(embeddings: Tensor, width: int, *, field: str = "embeddings") -> None:
    """Refuse embeddings of another width, and NaN or infinity.

    Args:
        embeddings: should be finite, shape (B, ``width``).
        field: what the error names as its field.
    Raises:
        BadInput: they are not.
    """
    if embeddings.ndim != 2 or embeddings.shape[1] != width:
        raise BadInput(
            f"this prior takes embeddings of shape (B, {width}), not {tuple(embeddings.shape)}",
            hint="Use the embedder that it was trained with",
            field=field,
        )
    if not torch.isfinite(embeddings).all():
        raise BadInput(
            "the embeddings hold NaN or infinity", hint="Check the embedder", field=field
        )


def check_pairs(
    settings: PriorSettings, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None
) -> None:
    """Refuse what a prior of these settings cannot be fitted on.

    Args:
        settings: the prior's ``config``, whose widths the pairs must have.
        embeddings: should be finite, shape (N, E), N above 0.
        latents: should have shape (N, K, D).
        texts: should be finite, shape (M, E), or None.
    Raises:
        BadInput: they are not.
    """
    check_embeddings(embeddings, settings.embedding_width)
    if texts is not None:
        check_embeddings(texts, settings.embedding_width, field="texts")
    wanted = (len(embeddings), settings.num_codes, settings.latent_width)
    if tuple(latents.shape) != wanted:
        raise BadInput(
            f"the latents should have shape {wanted}, not {tuple(latents.shape)}",
            hint="Build the prior with the widths of these pairs",
            field="latents",
        )
    if not len(latents):
        raise BadInput("there are no pairs to fit on", hint="Make some with 'c2l pairs'")


def with_several_negative(
    settings: PriorSettings, options: SampleOptions, num: int
) -> SampleOptions:
    """Options whose negative embeddings, checked, are (``num``, M, E)."""
    negative = options.negative
    assert negative is not None
    several = negative if negative.ndim == 3 else negative[:, None]
    if negative.ndim not in (2, 3) or several.shape[2] != settings.embedding_width:
        check_embeddings(negative, settings.embedding_width, field="negative")
    check_embeddings(several.flatten(0, 1), settings.embedding_width, field="negative")
    if len(several) != num:
        raise BadInput(
            f"{num} embeddings need as many negative ones, not {len(several)}",
            field="negative",
        )
    if len(options.negative_weights) not in (0, several.shape[1]):
        raise BadInput(
            f"{several.shape[1]} negative embeddings cannot have "
            f"{len(options.negative_weights)} weights",
            field="negative_weights",
        )
    return dataclasses.replace(options, negative=several)


def classes_of(settings: PriorSettings, options: SampleOptions) -> Sequence[int] | None:
    """The classes that samples are told; None for a prior that learnt none.

    Raises:
        BadInput: they are not one for each sample, or it learnt no such class.
    """
    num, classes = settings.num_classes, options.classes
    if not num or classes is None:
        return None
    if len(classes) != len(options.seeds) or not all(0 <= n < num for n in classes):
        raise BadInput(
            f"`classes` are not {len(options.seeds)} numbers from 0 to {num - 1}",
            field="class_label",
        )
    return classes


def check_ways(settings: PriorSettings, options: SampleOptions, num: int) -> None:
    """Raises ``BadInput`` unless ``towards`` and ``near`` are of ``num`` samples."""
    if (towards := options.towards) is not None:
        check_embeddings(towards.embeddings, settings.embedding_width, field="towards")
        if {len(towards.embeddings), len(towards.seeds), len(towards.at)} != {num}:
            raise BadInput(f"`towards` is not of {num} samples", field="towards")
    if (near := options.near) is not None:
        shape = (num, settings.num_codes, settings.latent_width)
        if tuple(near.latents.shape) != shape:
            raise BadInput(
                f"`near` needs latents of shape {shape}, not {tuple(near.latents.shape)}",
                field="near",
            )
