"""What is drawn and looked at so far, batch by batch, so that an interrupted evaluation goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from c2l.errors import BadInput
from c2l.files import remove_partials, write_atomically

SETTINGS = "settings.json"


class Store:
    """Named parts of an evaluation; in a folder, or without one in memory.

    Args:
        folder: the ``parts`` of it; made with the first one, so that what is refused before
            leaves nothing.
        settings: of the evaluation; a folder that was begun with others is refused.
    Raises:
        BadInput: the folder is of another evaluation; names what differs.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self._begun = False
        self._memory: dict[str, dict[str, Tensor]] = {}
        if folder is None:
            return
        remove_partials(folder)
        path = folder / SETTINGS
        # A folder in which nothing was drawn yet is nobody's.
        if path.exists() and any(part.name != SETTINGS for part in folder.iterdir()):
            refuse_other(folder.parent, json.loads(path.read_text(encoding="utf-8")), settings)
            self._begun = True

    def load(self, key: str) -> dict[str, Tensor] | None:
        """A part, or None if it is not there or not whole: then it is made again."""
        if self._folder is None:
            return self._memory.get(key)
        try:
            return safetensors.torch.load((self._folder / key).read_bytes())
        except (OSError, SafetensorError):
            return None

    def save(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep a part: all of it or nothing."""
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        if self._folder is None:
            self._memory[key] = whole
            return
        if not self._begun:
            write_atomically(self._folder / SETTINGS, json.dumps(self._settings).encode())
            self._begun = True
        write_atomically(self._folder / key, safetensors.torch.save(whole))

    def clear(self) -> None:
        """Remove the parts; the evaluation is finished."""
        if self._folder is not None:
            shutil.rmtree(self._folder)


def refuse_other(out: Path, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises ``BadInput`` that names the settings in which two evaluations differ."""
    there = json.loads(json.dumps(there))
    wanted = json.loads(json.dumps(wanted))
    other = [k for k in sorted({*there, *wanted}) if there.get(k) != wanted.get(k)]
    if other:
        raise BadInput(
            f"{out} holds an evaluation with another {', '.join(other)}",
            hint="Choose another --out, or remove that folder",
        )
