"""The ``model_N.pt`` of lucidrains' stylegan2-pytorch, with its ``.config.json`` beside."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l.reading import Damaged, named_tensors, read_beginning
from c2l_gans.files.found import Found, checkpoint, has_marks, tensors_of
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.lucidrains import LucidrainsSettings

_MARKS = ("initial_conv.weight", "blocks.0.to_style1.weight", "blocks.0.to_rgb.conv.weight")
_USUAL_RATE = 0.1
"""Of its trainer: what the mapping's weights are multiplied with."""
_LONGEST_CONFIG = 1 << 20
_ATTENTION = {
    "norm.weight": "0.fn.norm.g",
    "norm.bias": "0.fn.norm.b",
    "query.weight": "0.fn.fn.to_q.weight",
    "spread.weight": "0.fn.fn.to_kv.net.0.weight",
    "rest.weight": "0.fn.fn.to_kv.net.1.weight",
    "out.weight": "0.fn.fn.to_out.weight",
    "out.bias": "0.fn.fn.to_out.bias",
    "last_norm.weight": "1.fn.norm.g",
    "last_norm.bias": "1.fn.norm.b",
    "widen.weight": "1.fn.fn.0.weight",
    "widen.bias": "1.fn.fn.0.bias",
    "narrow.weight": "1.fn.fn.2.weight",
    "narrow.bias": "1.fn.fn.2.bias",
}


def read(path: Path) -> Found[LucidrainsSettings]:
    """Read a checkpoint of its trainer: the averaged networks, SE and GE.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with checkpoint(path) as (root, take):
        values, place = tensors_of(root, _MARKS)
        # "GAN.GE." has its mapping in "GAN.SE.", and "G." in "S.".
        head, _, network = place.rstrip(".").rpartition(".")
        start = f"{head}." * bool(head) + network.replace("G", "S") + "."
        everything = named_tensors(root)
        mapping = {n.removeprefix(start): v for n, v in everything.items() if n.startswith(start)}
        rate = _rate_beside(path)
        tensors, num = _mapping(Tensors(mapping, take), _USUAL_RATE if rate is None else rate)
        found = _convert(Tensors(values, take), tensors, num)
    if rate is not None:
        return found
    assumed = (
        f"there is no .config.json beside it, so lr_mlp is taken to be {_USUAL_RATE}, as usual"
    )
    return Found(found.settings, found.tensors, (assumed,))


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    return has_marks(read_beginning(path), _MARKS)


def _mapping(tensor: Tensors, rate: float) -> tuple[dict[str, Tensor], int]:
    numbers = tensor.numbered("net.#.")
    if not numbers:
        raise Damaged("it has no mapping network, which would be called S or SE")
    found = {}
    for ours, theirs in enumerate(numbers):
        for part in ("weight", "bias"):
            found[f"mapping.{ours}.{part}"] = tensor(f"net.{theirs}.{part}") * rate
    return found, len(numbers)


def _convert(
    tensor: Tensors, tensors: dict[str, Tensor], mapping_layers: int
) -> Found[LucidrainsSettings]:
    first = tensor("initial_conv.weight", ndim=4), tensor("initial_conv.bias", ndim=1)
    if first[0].shape != (len(first[1]), len(first[1]), 3, 3):
        raise Damaged(f"initial_conv.weight has shape {tuple(first[0].shape)}")
    channels = [len(first[1])]
    has_start = "initial_block" in tensor
    if has_start:
        start = tensor("initial_block", ndim=4)
        if start.shape != (1, channels[0], 4, 4):
            raise Damaged(f"initial_block has shape {tuple(start.shape)}")
        tensors["start"] = F.conv2d(start, *first, padding=1)[0]
    else:
        made = tensor("to_initial_block.weight", ndim=4)
        tensors["made.weight"] = made.flatten(1).T
        tensors["first.weight"], tensors["first.bias"] = first
    attention = []
    blocks = tensor.numbered("blocks.#.")
    for i in blocks:
        tensors |= _block(tensor, i)
        channels.append(len(tensors[f"blocks.{i}.first.bias"]))
        is_there = f"attns.{i}.0.fn.norm.g" in tensor
        names = _ATTENTION.items() if is_there else ()
        attended = {ours: tensor(f"attns.{i}.{theirs}") for ours, theirs in names}
        attention.append(len(attended["query.weight"]) if is_there else 0)
        for name, value in attended.items():
            tensors[f"attentions.{i}.{name}"] = value.flatten() if "norm" in name else value
    settings = LucidrainsSettings(
        z_dim=len(tensors["mapping.0.bias"]),
        mapping_layers=mapping_layers,
        img_channels=len(tensors["blocks.0.colours.weight"]),
        channels=tuple(channels),
        has_start=has_start,
        attention=tuple(attention),
    )
    # Uniform, unlike the noise of others.
    side = min(settings.resolution, 1 << 13)
    tensors["noise_const"] = torch.rand(side, side, generator=torch.Generator().manual_seed(0))
    return Found(settings, tensors)


def _block(tensor: Tensors, number: int) -> dict[str, Tensor]:
    theirs, ours, found = f"blocks.{number}", f"blocks.{number}", {}
    for i, name in enumerate(("first", "second"), start=1):
        layer = f"{ours}.{name}"
        found[f"{layer}.style.weight"] = tensor(f"{theirs}.to_style{i}.weight", ndim=2)
        # Weights are multiplied with the style plus one.
        found[f"{layer}.style.bias"] = tensor(f"{theirs}.to_style{i}.bias", ndim=1) + 1
        found[f"{layer}.weight"] = tensor(f"{theirs}.conv{i}.weight", ndim=4)
        found[f"{layer}.noise_strength"] = tensor(f"{theirs}.to_noise{i}.weight").flatten()
        found[f"{layer}.bias"] = tensor(f"{theirs}.to_noise{i}.bias", ndim=1)
    colours = f"{theirs}.to_rgb"
    found[f"{ours}.colours.style.weight"] = tensor(f"{colours}.to_style.weight", ndim=2)
    found[f"{ours}.colours.style.bias"] = tensor(f"{colours}.to_style.bias", ndim=1) + 1
    found[f"{ours}.colours.weight"] = tensor(f"{colours}.conv.weight", ndim=4).flatten(1)
    return found


def _rate_beside(path: Path) -> float | None:
    """``lr_mlp`` of the settings that the trainer wrote beside; None if there are none."""
    try:
        with path.with_name(".config.json").open("rb") as file:
            told = json.loads(file.read(_LONGEST_CONFIG))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or "network_capacity" not in told:
        return None
    rate = told.get("lr_mlp", _USUAL_RATE)
    is_number = isinstance(rate, int | float) and math.isfinite(rate)
    return float(rate) if is_number else None
