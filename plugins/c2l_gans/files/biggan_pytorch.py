"""BigGAN and BigGAN-deep as the authors' BigGAN-PyTorch keeps them: ``G_ema.pth`` and the like."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from c2l.reading import Damaged
from c2l_gans.files import normalisations
from c2l_gans.files.found import Found
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.biggan import BigGANSettings
from c2l_gans.networks.upsampling import upsampling_kernel

MARKS = ("linear.weight", "blocks.0.0.conv1.weight", "blocks.0.0.bn1.gain.weight")
_STATISTICS = (("stored_mean", "stored_var"), ("running_mean", "running_var"))
_SMALLEST = 1e-5
"""What its normalisations add to variances."""


def convert(tensor: Tensors, path: Path) -> Found[BigGANSettings]:
    """The network of a state dict.

    Raises:
        Damaged: something is missing or does not fit.
    """
    has_table = "shared.weight" in tensor
    stages = tensor.numbered("blocks.#.")
    names = [f"blocks.{s}.{i}" for s in stages for i in tensor.numbered(f"blocks.{s}.#.")]
    blocks = [name for name in names if f"{name}.conv1.weight" in tensor]
    is_deep = f"{blocks[0]}.conv4.weight" in tensor
    # Each doubles the resolution, or in a deep network every second.
    is_up = {name: not is_deep or i % 2 == 1 for i, name in enumerate(blocks)}
    tensors: dict[str, Tensor] = {}
    channels, attention, done = [], [], 0
    for name in names:
        if f"{name}.gamma" in tensor:
            attention.append(done)
            tensors |= _attention(tensor, name, f"attentions.{done}")
            continue
        tensors |= _block(tensor, name, done, up=is_up[name], has_table=has_table)
        channels.append(len(tensors[f"blocks.{done}.convs.{3 if is_deep else 1}.bias"]))
        done += 1

    first = _spectral(tensor, "linear.weight")
    gain = tensors["norms.0.gain.weight"].shape[1]
    if has_table:
        tensors["embedding.weight"] = tensor("shared.weight", ndim=2)
    num_classes, width = tensors["embedding.weight"].shape if has_table else (gain, gain)
    slots = 0 if is_deep else 1 if gain == width else 1 + len(blocks)
    z_dim = first.shape[1] - width if is_deep else first.shape[1] * slots
    for i in range(len(blocks)):
        for part in ("gain", "shift"):
            key = f"norms.{i}.{part}.weight"
            tensors[key] = _noise_first(tensors[key], width)
    start = first.shape[0] // 16
    if first.shape[0] != start * 16:
        raise Damaged(f"linear.weight has shape {tuple(first.shape)}")
    first = _noise_first(first, width) if is_deep else first
    tensors["first.weight"] = first.unflatten(0, (start, 16)).transpose(0, 1).flatten(0, 1)
    tensors["first.bias"] = tensor("linear.bias", ndim=1).view(start, 16).T.flatten()

    mean, variance = _statistics(tensor, "output_layer.0")
    tensors["last_mean"], tensors["last_variance"] = mean[None], variance[None] + _SMALLEST
    tensors["last_gain"] = tensor("output_layer.0.gain")
    tensors["last_shift"] = tensor("output_layer.0.bias")
    tensors["colours.weight"] = _spectral(tensor, "output_layer.2.weight")
    tensors["colours.bias"] = tensor("output_layer.2.bias")
    settings = BigGANSettings(
        z_dim=z_dim,
        num_classes=num_classes,
        embedded=width if has_table else 0,
        channels=(start, *channels),
        is_up=tuple(is_up.values()),
        slots=slots,
        attention=tuple(attention),
        is_deep=is_deep,
    )
    return Found(settings, tensors)


def _block(
    tensor: Tensors, name: str, block: int, *, up: bool, has_table: bool
) -> dict[str, Tensor]:
    found = {}
    num = 4 if f"{name}.conv4.weight" in tensor else 2
    norms = [f"{name}.bn{i + 1}" for i in range(num)]
    for ours, theirs in (("gain", "gain"), ("shift", "bias")):
        read = [f"{norm}.{theirs}.weight" for norm in norms]
        # Without a shared table, each has one of its own: a row for each class.
        parts = [_spectral(tensor, n) if has_table else tensor(n, ndim=2).T for n in read]
        found[f"norms.{block}.{ours}.weight"] = _joined(parts)
    statistics = [_statistics(tensor, norm) for norm in norms]
    found[f"norms.{block}.means"] = torch.cat([mean for mean, _ in statistics])[None]
    variances = torch.cat([variance for _, variance in statistics])[None]
    found[f"norms.{block}.variances"] = variances + _SMALLEST
    for i in range(num):
        weight = _spectral(tensor, f"{name}.conv{i + 1}.weight")
        if (is_first := up and i == num // 2 - 1) and weight.shape[2:] != (3, 3):
            raise Damaged(f"{name}.conv{i + 1} has shape {tuple(weight.shape)}")
        found[f"blocks.{block}.convs.{i}.weight"] = (
            upsampling_kernel(weight) if is_first else weight
        )
        found[f"blocks.{block}.convs.{i}.bias"] = tensor(f"{name}.conv{i + 1}.bias")
    if f"{name}.conv_sc.weight" in tensor:
        found[f"blocks.{block}.skip.weight"] = _spectral(tensor, f"{name}.conv_sc.weight")
        found[f"blocks.{block}.skip.bias"] = tensor(f"{name}.conv_sc.bias")
    return found


def _attention(tensor: Tensors, name: str, ours: str) -> dict[str, Tensor]:
    names = {"query": "theta", "key": "phi", "value": "g", "out": "o"}
    found = {
        f"{ours}.{part}.weight": _spectral(tensor, f"{name}.{theirs}.weight").flatten(1)
        for part, theirs in names.items()
    }
    found[f"{ours}.out.weight"] = found[f"{ours}.out.weight"] * tensor(f"{name}.gamma")
    return found


def _spectral(tensor: Tensors, name: str) -> Tensor:
    """A weight in effect, divided by its norm where the layer has spectral normalisation."""
    weight = tensor(name)
    vector = name.replace(".weight", ".u0")
    if vector not in tensor:
        return weight
    return normalisations.iterated(weight, tensor(vector, ndim=2), vector)


def _statistics(tensor: Tensors, norm: str) -> tuple[Tensor, Tensor]:
    """Mean and variance, from wherever the kind of normalisation puts them."""
    for place in (norm, f"{norm}.bn"):
        for mean, var in _STATISTICS:
            if f"{place}.{mean}" in tensor:
                return tensor(f"{place}.{mean}", ndim=1), tensor(f"{place}.{var}", ndim=1)
    raise Damaged(f"{norm} has no statistics")


def _noise_first(weight: Tensor, width: int) -> Tensor:
    """Columns in the order of our latents: here the embedding comes before the noise."""
    return torch.cat([weight[:, width:], weight[:, :width]], dim=1)


def _joined(parts: list[Tensor]) -> Tensor:
    try:
        return torch.cat(parts)
    except RuntimeError as error:
        raise Damaged("the normalisations of a block do not fit each other") from error
