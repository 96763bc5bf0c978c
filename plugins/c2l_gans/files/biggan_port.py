"""BigGAN-deep as huggingface's port of DeepMind's networks keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged
from c2l_gans.files import normalisations
from c2l_gans.files.found import Found
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.biggan import BigGANSettings
from c2l_gans.networks.upsampling import upsampling_kernel

MARKS = ("generator.gen_z.weight_orig", "generator.conv_to_rgb.weight_orig", "embeddings.weight")
_NUM_COLOURS = 3
_SMALLEST = 1e-4
"""What its normalisations add to variances."""
_LONGEST_CONFIG = 1 << 20


def convert(tensor: Tensors, path: Path) -> Found[BigGANSettings]:
    """The network of a ``pytorch_model.bin``; its ``config.json`` is read if it lies beside.

    Raises:
        Damaged: something is missing or does not fit.
    """
    embeddings = tensor("embeddings.weight", ndim=2).T
    tensors = {"embedding.weight": embeddings}
    tensors["first.weight"] = normalisations.spectral(tensor, "generator.gen_z.weight")
    tensors["first.bias"] = tensor("generator.gen_z.bias")
    layers = [f"generator.layers.{i}" for i in tensor.numbered("generator.layers.#.")]
    channels, attention, blocks = [len(tensors["first.bias"]) // 16], [], 0
    flags = _upsampling(path, sum(f"{layer}.conv_0.weight_orig" in tensor for layer in layers))
    for layer in layers:
        if f"{layer}.gamma" in tensor:
            attention.append(blocks)
            tensors |= _attention(tensor, layer, f"attentions.{blocks}")
            continue
        tensors |= _block(tensor, layer, blocks, up=flags[blocks])
        channels.append(len(tensors[f"blocks.{blocks}.convs.3.bias"]))
        blocks += 1
    tensors["last_mean"] = tensor("generator.bn.running_means", ndim=2)
    tensors["last_variance"] = tensor("generator.bn.running_vars", ndim=2) + _SMALLEST
    tensors["last_gain"] = tensor("generator.bn.weight")
    tensors["last_shift"] = tensor("generator.bn.bias")
    # It computes as many colours as features, and shows the first three.
    colours = normalisations.spectral(tensor, "generator.conv_to_rgb.weight")
    tensors["colours.weight"] = colours[:_NUM_COLOURS]
    tensors["colours.bias"] = tensor("generator.conv_to_rgb.bias")[:_NUM_COLOURS]
    settings = BigGANSettings(
        z_dim=tensors["first.weight"].shape[1] - embeddings.shape[1],
        num_classes=embeddings.shape[0],
        embedded=embeddings.shape[1],
        channels=tuple(channels),
        is_up=tuple(flags),
        attention=tuple(attention),
        is_deep=True,
        num_statistics=len(tensors["last_mean"]),
        is_bounded=True,
    )
    return Found(settings, tensors)


def _block(tensor: Tensors, layer: str, block: int, *, up: bool) -> dict[str, Tensor]:
    found = {}
    norms = [f"{layer}.bn_{i}" for i in range(4)]
    for ours, theirs in (("gain", "scale"), ("shift", "offset")):
        parts = [normalisations.spectral(tensor, f"{norm}.{theirs}.weight") for norm in norms]
        found[f"norms.{block}.{ours}.weight"] = _joined(parts, 0)
    means = [tensor(f"{norm}.running_means", ndim=2) for norm in norms]
    variances = [tensor(f"{norm}.running_vars", ndim=2) for norm in norms]
    found[f"norms.{block}.means"] = _joined(means, 1)
    found[f"norms.{block}.variances"] = _joined(variances, 1) + _SMALLEST
    for i in range(4):
        weight = normalisations.spectral(tensor, f"{layer}.conv_{i}.weight")
        is_first = i == 1 and up
        kernel = upsampling_kernel(_square(weight, 3)) if is_first else weight
        found[f"blocks.{block}.convs.{i}.weight"] = kernel
        found[f"blocks.{block}.convs.{i}.bias"] = tensor(f"{layer}.conv_{i}.bias")
    return found


def _square(weight: Tensor, taps: int) -> Tensor:
    if weight.shape[2:] != (taps, taps):
        raise Damaged(f"a convolution has shape {tuple(weight.shape)}")
    return weight


def _attention(tensor: Tensors, layer: str, ours: str) -> dict[str, Tensor]:
    names = {"query": "theta", "key": "phi", "value": "g", "out": "o_conv"}
    found = {
        f"{ours}.{name}.weight": normalisations.spectral(
            tensor, f"{layer}.snconv1x1_{theirs}.weight"
        ).flatten(1)
        for name, theirs in names.items()
    }
    found[f"{ours}.out.weight"] = found[f"{ours}.out.weight"] * tensor(f"{layer}.gamma")
    return found


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    try:
        return torch.cat(parts, dim)
    except RuntimeError as error:
        raise Damaged("the normalisations of a block do not fit each other") from error


def _upsampling(path: Path, num: int) -> list[bool]:
    """Which of ``num`` blocks double the resolution: as the settings beside say, or every second.

    The weights do not tell. All published networks have it in every second block.
    """
    for name in ("config.json", path.name.replace("pytorch_model.bin", "config.json")):
        layers = _config(path.with_name(name)).get("layers")
        if isinstance(layers, list) and len(layers) == num:
            flags: list[Any] = [
                layer[0] if isinstance(layer, list) and layer else None for layer in layers
            ]
            if all(isinstance(flag, bool) for flag in flags):
                return flags
    return [i % 2 == 1 for i in range(num)]


def _config(path: Path) -> dict[str, Any]:
    """Settings beside weights; nothing if there are none, or they are something else's."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_LONGEST_CONFIG))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
