"""Collects the latents of drawn pictures into one file."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from c2l.errors import NotWritable
from c2l.files import remove_partials, write_atomically
from c2l.sampling.record import request_of
from c2l.service.drawing import Drawn, prepare_folder
from c2l.service.session import Session


class LatentsFile:
    """Latents, collected while their pictures are drawn.

    Args:
        path: the file to write.
        session: draws pictures of an interrupted drawing again, for their latents.
    Raises:
        NotWritable: nothing can be written there; raised before minutes are spent on drawing.
    """

    def __init__(self, path: Path, session: Session) -> None:
        if path.is_dir():
            raise NotWritable(
                f"cannot write {path}: it is a folder", hint="Name a file", field="latents"
            )
        prepare_folder(path.parent, "latents")
        remove_partials(path.parent, path.name)
        self._path = path
        self._session = session
        self._latents: list[Tensor] = []
        self._seeds: list[int] = []
        self._prompts: list[object] = []

    def add(self, drawn: Drawn) -> None:
        """Keep the latents of a picture."""
        picture = drawn.picture
        if picture is None:
            request = request_of(drawn.record, str(drawn.path))
            picture = next(iter(self._session.draw(request)))
        self._latents.append(picture.latents.detach().cpu().clone())
        self._seeds.append(picture.seed)
        self._prompts.append(drawn.record.get("prompt", ""))

    def write(self) -> None:
        """Write latents (B, K, D) and seeds (B,), uint64, as safetensors, prompts in the metadata.

        Raises:
            NotWritable: the file cannot be written.
        """
        tensors = {
            "latents": torch.stack(self._latents),
            "seeds": torch.tensor(self._seeds, dtype=torch.uint64),
        }
        metadata = {"prompts": json.dumps(self._prompts)}
        write_atomically(self._path, save(tensors, metadata=metadata))
