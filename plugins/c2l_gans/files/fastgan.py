"""FastGAN's checkpoints, and the names of its layers, which Projected GAN kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged, read_beginning
from c2l_gans.files import normalisations
from c2l_gans.files.found import Found, Take, checkpoint, has_marks, tensors_of
from c2l_gans.files.noise_maps import FixedNoise
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.fastgan import EXCITED, FastGANSettings
from c2l_gans.networks.upsampling import upsampling_kernel

MARKS = ("init.init.0.weight_orig", "to_big.weight_orig", "se_64.main.1.weight_orig")
_BUFFERS = ("weight_u", "weight_v", "running_mean", "running_var", "num_batches_tracked")
_BOUNDED = 1024

Read = Callable[[str], Tensor]


def read(path: Path) -> Found[FastGANSettings]:
    """Read what FastGAN's ``train.py`` saved, the averaged weights where it holds both.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with checkpoint(path) as (root, take):
        values, _ = tensors_of(root, MARKS)
        averaged = root.get("g_ema") if isinstance(root, dict) else None
        if isinstance(averaged, list):
            values |= _by_name(averaged, values)
        found = convert(values, take)
        # Its code bounds the largest images alone.
        tanh = found.settings.resolution == _BOUNDED
        return Found(dataclasses.replace(found.settings, tanh=tanh), found.tensors)


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    return has_marks(read_beginning(path), (*MARKS, "to_128.weight_orig"))


def convert(values: Mapping[str, Any], take: Take) -> Found[FastGANSettings]:
    """The network of FastGAN's names, its normalisations multiplied into its weights.

    Blocks beyond the one that is drawn are left out.

    Args:
        values: the tensors, by name, as ``take`` reads them.
    Raises:
        Damaged: something is missing or does not fit.
    """

    tensor = Tensors(values, take)
    tensors: dict[str, Tensor] = {}
    first = normalisations.spectral(tensor, "init.init.0.weight", dim=1)
    if first.ndim != 4 or first.shape[2:] != (4, 4):
        raise Damaged(f"its first layer has shape {tuple(first.shape)}")
    gain, bias = normalisations.affine(tensor, "init.init.1")
    kernel = normalisations.scaled(first.transpose(0, 1), gain)
    tensors["first.weight"] = kernel.permute(0, 2, 3, 1).flatten(0, 2)
    tensors["first_bias"] = bias[:, None, None]
    num_classes = 0
    if "embed.weight" in values:
        tensors["embedding.weight"] = tensor("embed.weight")
        num_classes = len(tensors["embedding.weight"])
    colours = normalisations.spectral(tensor, "to_big.weight")
    bias_name = "to_big.bias"
    has_bias = bias_name in values
    tensors["colours"] = colours
    tensors["colours_bias"] = tensor(bias_name) if has_bias else torch.zeros(len(colours))

    resolutions = _drawn(values, tensor)
    channels, is_double = [len(bias) // 2], []
    noise = FixedNoise()
    for r in resolutions:
        layers = _layers_of(values, r)
        for i, layer in enumerate(layers):
            noise_map = noise(r) if len(layers) == 2 else None
            converted = _layer(tensor, *layer, up=i == 0, noise_map=noise_map)
            tensors |= {f"blocks.{r}.{i}.{name}": value for name, value in converted.items()}
        channels.append(len(tensors[f"blocks.{r}.0.bias"]) // 2)
        is_double.append(len(layers) == 2)
        if r in EXCITED:
            for name, index in (("squeeze", 1), ("expand", 3)):
                weight = normalisations.spectral(tensor, f"se_{r}.main.{index}.weight")
                tensors[f"excitations.{r}.{name}"] = weight
    settings = FastGANSettings(
        z_dim=len(first),
        img_channels=len(colours),
        channels=tuple(channels),
        is_double=tuple(is_double),
        num_classes=num_classes,
    )
    return Found(settings, tensors)


def _drawn(values: Mapping[str, Any], tensor: Read) -> list[int]:
    """The resolutions of blocks up to the one with the channels that are drawn."""
    wanted = tensor("to_big.weight_orig").shape[1]
    here: list[int] = []
    drawn: list[int] = []
    for r in (8 << i for i in range(8)):
        if not any(name.startswith(f"feat_{r}.") for name in values):
            break
        here.append(r)
        conv, _, _ = _layers_of(values, r)[-1]
        if len(tensor(f"{conv}.weight_orig")) == 2 * wanted:
            drawn = list(here)
    if not drawn:
        raise Damaged(f"no block has the {wanted} channels that it draws")
    return drawn


def _layers_of(names: Mapping[str, Any], r: int) -> list[tuple[str, str, str]]:
    """The convolution, the normalisation and the noise ("" for none) of each layer of a block."""
    block = f"feat_{r}"
    for layers in (
        [(".1", ".3", ".2"), (".5", ".7", ".6")],
        [(".1", ".2", "")],
        [(".conv1", ".bn1", ".noise"), (".conv2", ".bn2", ".noise")],
        [(".conv", ".bn", "")],
    ):
        if all(f"{block}{conv}.weight_orig" in names for conv, _, _ in layers):
            return [
                (block + conv, block + norm, noise and block + noise)
                for conv, norm, noise in layers
            ]
    raise Damaged(f"it has no {block}")


def _layer(
    tensor: Read, conv: str, norm: str, noise: str, *, up: bool, noise_map: Tensor | None
) -> dict[str, Tensor]:
    """A layer of ours: what a normalisation does once it is trained is done by the convolution."""
    weight = normalisations.spectral(tensor, f"{conv}.weight")
    if weight.ndim != 4 or weight.shape[2:] != (3, 3):
        raise Damaged(f"{conv} has shape {tuple(weight.shape)}")
    found: dict[str, Tensor] = {}
    if norm.rpartition(".")[2].startswith("bn"):
        gain, bias = normalisations.batch(tensor, norm, mean="stored_mean", var="stored_var")
        for ours, theirs in (("gain", "gain"), ("shift", "bias")):
            found[f"{ours}.weight"] = normalisations.spectral(tensor, f"{norm}.{theirs}.weight")
            found[f"{ours}.bias"] = tensor(f"{norm}.{theirs}.bias") + (ours == "gain")
    else:
        gain, bias = normalisations.affine(tensor, norm)
    weight = normalisations.scaled(weight, gain)
    found["weight"] = upsampling_kernel(weight) if up else weight
    found["bias"] = bias
    if noise_map is not None:
        found["noise_strength"] = tensor(f"{noise}.weight") * gain
        found["noise_const"] = noise_map
    return found


def _by_name(averaged: list[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Averaged parameters, which lie in the order of the network, by their names."""
    names = [name for name in values if not name.endswith(_BUFFERS)]
    if len(names) != len(averaged):
        raise Damaged(f"its g_ema holds {len(averaged)} tensors, and its network {len(names)}")
    return dict(zip(names, averaged, strict=True))
