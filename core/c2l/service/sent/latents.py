"""Latents as they are sent and answered: numbers in base64, or a safetensors file in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from c2l.errors import BadInput
from c2l.sampling.operations import GivenLatents
from c2l.service.plain_pictures import PlainPicture

MOST_LATENTS = 1024
"""Pictures of one request."""


def sent_latents(shape: Sequence[int], data: bytes) -> list[GivenLatents]:
    """Latents (B, K, D), or (K, D) of one picture, as numbers: float32, little-endian.

    Raises:
        BadInput: the numbers do not have this shape, or hold NaN or infinity.
    """
    sizes = (1, *shape) if len(shape) == 2 else tuple(shape)
    if len(sizes) != 3 or min(sizes) < 1:
        raise _bad("`shape` is not that of latents", "Give (B, K, D)", "shape")
    if len(data) != 4 * torch.Size(sizes).numel():
        raise _bad(f"`data` is not {tuple(shape)} numbers of float32", "Send them all", "data")
    return _given(torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(sizes))


def latents_in_file(data: bytes) -> list[GivenLatents]:
    """Latents of a safetensors file, as ``LatentsFile`` and ``latents_file`` write it.

    Raises:
        BadInput: it is none, or holds no ``latents`` (B, K, D).
    """
    hint = "Send what `c2l sample latents=FILE` or this server wrote"
    try:
        latents = load(data)["latents"]
    except (SafetensorError, KeyError, ValueError, TypeError):
        raise _bad("the safetensors file holds no latents", hint, "safetensors") from None
    if latents.ndim != 3 or not latents.numel() or not latents.is_floating_point():
        raise _bad("`latents` in the file are not (B, K, D)", hint, "safetensors")
    return _given(latents.float())


def latents_file(pictures: Sequence[PlainPicture]) -> bytes:
    """The latents of pictures of one request as a safetensors file, as ``LatentsFile`` writes it.

    Raises:
        BadInput: they differ in shape.
    """
    tensors = {
        "latents": stacked(pictures),
        "seeds": torch.tensor([picture.seed for picture in pictures], dtype=torch.uint64),
    }
    prompts = [picture.record.get("prompt", "") for picture in pictures]
    return save(tensors, metadata={"prompts": json.dumps(prompts)})


def stacked(pictures: Sequence[PlainPicture]) -> Tensor:
    """The latents (B, K, D) of pictures. Raises ``BadInput``: they differ in shape."""
    shapes = {picture.latents.shape for picture in pictures}
    if len(shapes) != 1:
        raise _bad("the pictures' latents differ in shape", "Ask for them one by one", "of")
    return torch.stack([picture.latents.tensor() for picture in pictures])


def _given(latents: Tensor) -> list[GivenLatents]:
    if len(latents) > MOST_LATENTS:
        raise _bad(f"{len(latents):,} pictures are too many", f"Send {MOST_LATENTS:,}", "latents")
    if not torch.isfinite(latents).all():
        raise _bad("the latents hold NaN or infinity", "Send others", "latents")
    return [GivenLatents.of(one) for one in latents]


def _bad(message: str, hint: str, field: str) -> BadInput:
    return BadInput(message, hint=hint, field=field)
