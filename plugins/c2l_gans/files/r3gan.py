"""R3GAN's snapshots: pickles of whole modules of torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from c2l.reading import Damaged, read_beginning
from c2l_gans.files.found import Found, has_marks, is_pickle_with, opened, tensors_of
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.r3gan import R3GANSettings

_MARKS = ("MainLayers.0.Layers.0.Basis", "AggregationLayer.Layer.weight")
_CLASS = b"R3GAN.Networks"


def read(path: Path) -> Found[R3GANSettings]:
    """Read the generator of a snapshot, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with opened(path) as (root, take):
        values, _ = tensors_of(root, _MARKS)
        return _convert(Tensors(values, take))


def recognises(path: Path) -> bool:
    """Whether a file is such a snapshot; looks only at its beginning."""
    names = read_beginning(path)
    if names:
        return has_marks(names, _MARKS)
    return is_pickle_with(path, _CLASS)


def _convert(tensor: Tensors) -> Found[R3GANSettings]:
    tensors = {
        "basis": tensor("MainLayers.0.Layers.0.Basis", ndim=3),
        "weigh.weight": tensor("MainLayers.0.Layers.0.LinearLayer.weight", ndim=2),
        "colours.weight": tensor("AggregationLayer.Layer.weight", ndim=4),
    }
    embedded = num_classes = 0
    if "EmbeddingLayer.weight" in tensor:
        tensors["embedding.weight"] = tensor("EmbeddingLayer.weight", ndim=2).T
        num_classes, embedded = tensors["embedding.weight"].shape
    channels, expanded, groups, num_blocks = [len(tensors["basis"])], [], [], []
    for i in tensor.numbered("MainLayers.#."):
        stage = f"MainLayers.{i}.Layers"
        if i:
            _check_filter(tensor(f"{stage}.0.Resampler.Kernel"))
            channels.append(channels[-1])
            if f"{stage}.0.LinearLayer.Layer.weight" in tensor:
                narrow = tensor(f"{stage}.0.LinearLayer.Layer.weight", ndim=4)
                tensors[f"narrow.{i - 1}.weight"] = narrow
                channels[-1] = len(narrow)
        blocks = [n for n in tensor.numbered(f"{stage}.#.") if n]
        for k in blocks:
            tensors |= _block(tensor, f"{stage}.{k}", f"stages.{i}.{k - 1}")
        within = tensors[f"stages.{i}.0.within.weight"] if blocks else None
        # A stage without blocks has none to be wide.
        expanded.append(1 if within is None else len(within))
        groups.append(1 if within is None else len(within) // max(within.shape[1], 1))
        num_blocks.append(len(blocks))
    settings = R3GANSettings(
        z_dim=tensors["weigh.weight"].shape[1] - embedded,
        num_classes=num_classes,
        embedded=embedded,
        img_channels=len(tensors["colours.weight"]),
        channels=tuple(channels),
        expanded=tuple(expanded),
        groups=tuple(groups),
        num_blocks=tuple(num_blocks),
    )
    return Found(settings, tensors)


def _block(tensor: Tensors, theirs: str, ours: str) -> dict[str, Tensor]:
    found = {
        f"{ours}.{name}.weight": tensor(f"{theirs}.LinearLayer{i}.Layer.weight", ndim=4)
        for i, name in enumerate(("expand", "within", "reduce"), start=1)
    }
    for i, name in enumerate(("expand", "within"), start=1):
        found[f"{ours}.{name}.bias"] = tensor(f"{theirs}.NonLinearity{i}.Bias", ndim=1)
    return found


def _check_filter(kernel: Tensor) -> None:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    if kernel.shape != (4, 4) or not torch.allclose(kernel, torch.outer(taps, taps)):
        raise Damaged("its ResamplingFilter is not [1, 2, 1], which all published networks have")
