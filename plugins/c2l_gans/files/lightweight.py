"""The ``model_N.pt`` of lucidrains' lightweight-gan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from c2l.reading import Damaged, read_beginning
from c2l_gans.files import normalisations
from c2l_gans.files.found import Found, Take, checkpoint, has_marks, tensors_of
from c2l_gans.files.noise_maps import FixedNoise
from c2l_gans.networks.lightweight import LightweightSettings

_MARKS = ("initial_conv.0.weight", "layers.0.0.0.net.0.weight", "out_conv.weight")
_ATTENTION = {
    "gain": "norm.g",
    "bias": "norm.b",
    "far_query": "fn.to_lin_q.weight",
    "far_spread": "fn.to_lin_kv.net.0.weight",
    "far_rest": "fn.to_lin_kv.net.1.weight",
    "near_query": "fn.to_q.weight",
    "near_rest": "fn.to_kv.weight",
    "out": "fn.to_out.weight",
    "out_bias": "fn.to_out.bias",
}


def read(path: Path) -> Found[LightweightSettings]:
    """Read a checkpoint of its trainer: the averaged generator, GE.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with checkpoint(path) as (root, take):
        values, _ = tensors_of(root, _MARKS)
        return _convert(values, take)


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    return has_marks(read_beginning(path), _MARKS)


def _convert(values: Mapping[str, Any], take: Take) -> Found[LightweightSettings]:
    @cache
    def tensor(name: str) -> Tensor:
        if name not in values:
            raise Damaged(f"it has no {name}; only lightweight-gan 1.0 and later open")
        return take(values[name], name)

    tensors: dict[str, Tensor] = {}
    first = tensor("initial_conv.0.weight")
    if first.ndim != 4 or first.shape[2:] != (4, 4):
        raise Damaged(f"its first layer has shape {tuple(first.shape)}")
    gain, bias = normalisations.affine(tensor, "initial_conv.1")
    kernel = normalisations.scaled(first.transpose(0, 1), gain)
    tensors["first.weight"] = kernel.permute(0, 2, 3, 1).flatten(0, 2)
    tensors["first_bias"] = (tensor("initial_conv.0.bias") * gain + bias)[:, None, None]
    num = len({m[1] for name in values if (m := re.match(r"layers\.(\d{1,2})\.", name))})
    channels, hidden, factors, attention = [len(first)], [], [], []
    noise = FixedNoise()
    for i in range(num):
        layer = f"layers.{i}.0"
        gain, bias = normalisations.affine(tensor, f"{layer}.4")
        tensors |= {
            f"stages.{i}.expand": tensor(f"{layer}.0.net.0.weight"),
            f"stages.{i}.expand_bias": tensor(f"{layer}.0.net.0.bias"),
            f"stages.{i}.blur": tensor(f"{layer}.1.f"),
            f"stages.{i}.weight": normalisations.scaled(tensor(f"{layer}.2.1.weight"), gain),
            f"stages.{i}.bias": tensor(f"{layer}.2.1.bias") * gain + bias,
            f"stages.{i}.noise_strength": tensor(f"{layer}.3.weight") * gain,
            f"stages.{i}.noise_const": noise(8 << i),
        }
        channels.append(len(gain) // 2)
        found = _factors(values, tensor, f"layers.{i}.1")
        factors.append("frequencies" if "waves" in found else "pooled" if found else "")
        hidden.append(len(found["squeeze.bias"]) if found else 0)
        tensors |= {f"factors.{i}.{name}": value for name, value in found.items()}
        has_attention = f"layers.{i}.2.{_ATTENTION['out']}" in values
        attended = {
            ours: tensor(f"layers.{i}.2.{theirs}")
            for ours, theirs in _ATTENTION.items()
            if has_attention
        }
        attention.append(len(attended["near_query"]) if attended else 0)
        for name, value in attended.items():
            is_flat = name in ("gain", "bias")
            tensors[f"attentions.{i}.{name}"] = value.flatten() if is_flat else value
    # Its pictures run from 0 to 1.
    tensors["colours"] = tensor("out_conv.weight") * 2
    tensors["colours_bias"] = tensor("out_conv.bias") * 2 - 1
    settings = LightweightSettings(
        img_channels=len(tensors["colours"]),
        channels=tuple(channels),
        hidden=tuple(hidden),
        factors=tuple(factors),
        attention=tuple(attention),
    )
    return Found(settings, tensors)


def _factors(values: Mapping[str, Any], tensor: Any, place: str) -> dict[str, Tensor]:
    """What a stage has to find factors for a later one; nothing if it gives none."""
    if f"{place}.net.0.weight" not in values:
        return {}
    found: dict[str, Tensor] = {}
    for ours, theirs in (("squeeze", "net.0"), ("expand", "net.2")):
        found[f"{ours}.weight"] = tensor(f"{place}.{theirs}.weight").flatten(1)
        found[f"{ours}.bias"] = tensor(f"{place}.{theirs}.bias")
    if f"{place}.dct_weights" in values:
        found["waves"] = tensor(f"{place}.dct_weights")[0]
    else:
        found["weigh.weight"] = tensor(f"{place}.to_k.weight").flatten(1)
        found["weigh.bias"] = tensor(f"{place}.to_k.bias")
    return found
