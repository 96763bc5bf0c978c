"""Projected GAN's pickles with a FastGAN or FastGAN-lite generator, and what others made of them.

Its pickles hold whole modules of torch, without NVIDIA's records.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from c2l.reading import named_objects, read_beginning
from c2l_gans.files import fastgan
from c2l_gans.files.found import Found, Take, has_marks, is_pickle_with, opened, tensors_of
from c2l_gans.networks.fastgan import FastGANSettings
from c2l_stylegan.shared import Module

_MARKS = (*fastgan.MARKS, "to_big.bias")
_CLASS = b"FastganSynthesis"


def read(path: Path) -> Found[FastGANSettings]:
    """Read the generator of a snapshot, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with opened(path) as (root, take):
        return _convert(root, take)


def recognises(path: Path) -> bool:
    """Whether a file is such a snapshot; looks only at its beginning."""
    names = read_beginning(path)
    if names:
        return has_marks(names, fastgan.MARKS) and not fastgan.recognises(path)
    return is_pickle_with(path, _CLASS)


def _convert(root: Any, take: Take) -> Found[FastGANSettings]:
    values, place = tensors_of(root, _MARKS)
    found = fastgan.convert(values, take)
    if not found.settings.num_classes:
        return found
    # The table has a thousand rows, however many classes it was trained with.
    generator = Module.of(named_objects(root).get(place.removesuffix("synthesis.").rstrip(".")))
    told = generator.attribute("c_dim") if generator else None
    if type(told) is not int or not 0 < told <= found.settings.num_classes:
        return found
    settings = dataclasses.replace(found.settings, num_classes=told)
    rows = found.tensors["embedding.weight"][:told]
    return Found(settings, {**found.tensors, "embedding.weight": rows})
