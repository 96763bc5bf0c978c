"""Progressive GAN's files."""

from __future__ import annotations

from pathlib import Path

from c2l.reading import read_beginning
from c2l_gans.files import progan_zoo
from c2l_gans.files.found import Found, checkpoint, tensors_of
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.progan import ProGANSettings


def read(path: Path) -> Found[ProGANSettings]:
    """Read the generator of a checkpoint, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with checkpoint(path) as (root, take):
        values, _ = tensors_of(root, progan_zoo.MARKS)
        return progan_zoo.convert(Tensors(values, take), root)


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    names = read_beginning(path)
    return all(mark.encode() in names for mark in progan_zoo.MARKS)
