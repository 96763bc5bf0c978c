"""BigGAN's files: of huggingface's port of BigGAN-deep, and of BigGAN-PyTorch."""

from __future__ import annotations

from pathlib import Path

from c2l.reading import named_tensors, read_beginning
from c2l_gans.files import biggan_port, biggan_pytorch
from c2l_gans.files.found import Found, checkpoint, has_marks, tensors_of
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.biggan import BigGANSettings


def read(path: Path) -> Found[BigGANSettings]:
    """Read the generator of a checkpoint.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with checkpoint(path) as (root, take):
        is_port = any(name.endswith(biggan_port.MARKS[0]) for name in named_tensors(root))
        layout = biggan_port if is_port else biggan_pytorch
        values, _ = tensors_of(root, layout.MARKS)
        return layout.convert(Tensors(values, take), path)


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    names = read_beginning(path)
    return any(has_marks(names, layout.MARKS) for layout in (biggan_port, biggan_pytorch))
