"""StyleGAN-XL's pickles: a stem, or one with stages of super-resolution; snapshots of a training.

Those hold the discriminator as well, with functions that dill wrote down. They are passed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from c2l.reading import Damaged
from c2l_gans.files.found import Found, Take, averaged_module, is_pickle_with, pickle
from c2l_gans.networks.stylegan_xl import XLSettings
from c2l_stylegan.shared import Module, StyleGAN3Settings, convert_nvidia, plain, unit_rms

MARK = b"class SuperresGenerator"
"""In the source code that lies in each of its files, which is not read."""
_SLOPE = 0.2
_GAIN = 2**0.5


def read(path: Path) -> Found[XLSettings]:
    """Read the generator of a pickle, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with pickle(path, functions=True) as (root, take):
        return _convert(root, take)


def recognises(path: Path) -> bool:
    """Whether a file is such a pickle; looks only at its beginning."""
    return is_pickle_with(path, MARK)


def _convert(root: Any, take: Take) -> Found[XLSettings]:
    generator = averaged_module(root, "mapping", "synthesis")
    tensors = generator.tensors(take)
    num_classes = plain(generator.state.get("c_dim"))
    if type(num_classes) is not int or num_classes < 0:
        raise Damaged(f"its number of classes is {str(num_classes)[:40]}")
    classes = {
        n: t
        for n in list(tensors)
        if n.startswith("mapping.embed") and (t := tensors.pop(n)) is not None
    }
    settings, tensors = convert_nvidia(
        Module(generator.class_name, {**generator.state, "c_dim": 0}), tensors
    )
    if not isinstance(settings, StyleGAN3Settings):
        raise Damaged("its layers are those of a StyleGAN2; open it as stylegan:FILE")
    if num_classes:
        tensors["mapping.class_vectors"] = _class_vectors(classes, num_classes)
    return Found(XLSettings(settings, num_classes), tensors)


def _class_vectors(tensors: dict[str, Tensor], num: int) -> Tensor:
    """What the mapping sees of each class, all that its embedding and projection are for."""
    names = ("embed.weight", "embed_proj.weight", "embed_proj.bias")
    table, weight, bias = (tensors.get(f"mapping.{name}") for name in names)
    if table is None or weight is None or bias is None:
        raise Damaged("it has classes, but does not embed them as StyleGAN-XL does")
    if table.ndim != 2 or len(table) < num or weight.shape[1:] != table.shape[1:]:
        raise Damaged(f"its {num} classes do not fit their embedding")
    scaled = weight.float() / weight.shape[1] ** 0.5
    projected = F.linear(table[:num].float(), scaled, bias.float())
    return unit_rms(F.leaky_relu(projected, _SLOPE) * _GAIN)
