"""The latents of pictures that were drawn, in one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from c2l.files import write_atomically
from c2l.sampling.record import request_of
from c2l.service.drawing import Drawn
from c2l.service.session import Session


def write_latents(path: Path, session: Session, drawn: Sequence[Drawn]) -> None:
    """Write latents (B, K, D) and seeds (B,), uint64, as safetensors, the prompts in its metadata.

    Pictures that were in the folder before are drawn once more for their latents.

    Raises:
        NotWritable: the file cannot be written.
    """
    rows = [_latents(session, item).detach().cpu() for item in drawn]
    seeds = [item.record.get("seed", 0) for item in drawn]
    prompts = [item.record.get("prompt", "") for item in drawn]
    tensors = {
        "latents": torch.stack(rows).contiguous(),
        "seeds": torch.tensor(seeds, dtype=torch.uint64),
    }
    write_atomically(path, save(tensors, metadata={"prompts": json.dumps(prompts)}))


def _latents(session: Session, item: Drawn) -> Tensor:
    if item.picture is not None:
        return item.picture.latents
    request = request_of(item.record, str(item.path))
    return next(iter(session.draw(request))).latents
