"""StyleGANs in files of ``torch.save``, whoever wrote them, read as inert data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import Damaged, TorchFile, explain_damage, named_tensors, read_beginning
from c2l_stylegan.files import generators
from c2l_stylegan.files.renaming import Found

_MARKS = (
    (b"to_rgb1", b"to_rgbs"),  # rosinality, BasicSR, mmgeneration
    (b"early_layer", b"output0"),  # genforce
    (b"mapping.fc0.weight", b"synthesis."),  # NVIDIA's tensors
    (b"torch_utils.persistence\n_reconstruct_persistent_obj", b"synthesis"),  # and networks
)
_HINT = "docs/files.md lists the layouts that open"


def read(path: Path) -> Found:
    """Read the generator of a checkpoint, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with TorchFile(path) as file, explain_damage(path):

        def take(value: Any, name: str) -> Tensor:
            stored = file.tensor(value)
            if stored is None:
                raise Damaged(f"{name[:80]} is not a tensor")
            if not stored.dtype.is_floating_point:
                raise Damaged(f"{name[:80]} is {stored.dtype}, not floating-point")
            return file.read(stored).float()

        try:
            return generators.find(file.root, named_tensors(file.root), take)
        except Damaged as error:
            raise BadWeights(f"{path} cannot be read: {error}", hint=_HINT) from error


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    names = read_beginning(path)
    return any(all(mark in names for mark in marks) for marks in _MARKS)
