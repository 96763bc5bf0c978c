"""StyleGAN1 in NVIDIA's TensorFlow pickles, and in the files of genforce and of rosinality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged, read_beginning
from c2l_gans.files.found import (
    Found,
    Take,
    check_grown,
    checkpoint,
    has_marks,
    is_pickle_with,
    pickle,
    tensors_of,
)
from c2l_gans.files.noise_maps import FixedNoise
from c2l_gans.files.tensors import Tensors, checked_kernel
from c2l_gans.networks.stylegan1 import StyleGAN1Settings
from c2l_gans.networks.upsampling import upsampling_kernel
from c2l_stylegan.shared import array_of, tensorflow_network

MARK = b"def G_style("
"""In the source code that lies in each of NVIDIA's files, which is not read."""
_GENFORCE = ("synthesis.layer0.const", "synthesis.layer0.style.weight", "mapping.dense0.weight")
_ROSINALITY = ("generator.progression.0.conv1.input", "generator.to_rgb.0.conv.weight_orig")
_FUSED_FROM = 128
"""The resolution from which NVIDIA's code doubles the size and convolves in one operation, with
another kernel."""
_MOST_LAYERS = 100
_FIXED = {
    "use_styles": True,
    "const_input_layer": True,
    "nonlinearity": "lrelu",
    "mapping_nonlinearity": "lrelu",
    "use_wscale": True,
    "use_pixel_norm": False,
    "use_instance_norm": True,
    "blur_filter": [1, 2, 1],
    "normalize_latents": True,
}
"""Settings of NVIDIA's code, each with the only value that draws what our network draws."""


@dataclass(frozen=True)
class _Layout:
    """Where a file has the parts of a network, and how it stores them.

    Args:
        dense: weight of a layer of the mapping, with ``{i}``; the bias has the same name.
        layer: of a convolution or the constant, with ``{n}``, or ``{r}`` and ``{part}``.
        constant, noise, strength, style: parts of a layer.
        colours: what draws, with ``{block}``.
        classes: vectors of the classes, joined to z.
        is_transposed: matrices are (in, out), kernels (height, width, in, out).
    """

    dense: str
    layer: str
    constant: str
    noise: str
    strength: str
    style: str
    colours: str
    classes: str
    average: str
    is_transposed: bool


_TENSORFLOW = _Layout(
    dense="mapping/Dense{i}/weight",
    layer="synthesis/{r}x{r}/{part}/weight",
    constant="synthesis/4x4/Const/const",
    noise="synthesis/noise{n}",
    strength="Noise/weight",
    style="StyleMod/weight",
    colours="synthesis/ToRGB_lod0/weight",
    classes="mapping/LabelConcat/weight",
    average="dlatent_avg",
    is_transposed=True,
)
_TORCH = _Layout(
    dense="mapping.dense{i}.weight",
    layer="synthesis.layer{n}.weight",
    constant="synthesis.layer0.const",
    noise="synthesis.layer{n}.apply_noise.noise",
    strength="apply_noise.weight",
    style="style.weight",
    colours="synthesis.output{block}.weight",
    classes="mapping.label_weight",
    average="truncation.w_avg",
    is_transposed=False,
)


def read(path: Path) -> Found[StyleGAN1Settings]:
    """Read the generator of a file, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    names = read_beginning(path)
    if not names:
        with pickle(path) as (root, _):
            return _from_tensorflow(root)
    with checkpoint(path) as (root, take):
        if has_marks(names, _ROSINALITY):
            return _from_rosinality(Tensors(tensors_of(root, _ROSINALITY)[0], take))
        values, _ = tensors_of(root, _GENFORCE)
        check_grown(take(values["synthesis.lod"], "lod") if "synthesis.lod" in values else None)
        return _converted(_TORCH, values, take, learning_rate=0.01, fused_from=_FUSED_FROM)


def recognises(path: Path) -> bool:
    """Whether a file is one of these; looks only at its beginning."""
    names = read_beginning(path)
    if names:
        return has_marks(names, _GENFORCE) or has_marks(names, _ROSINALITY)
    return is_pickle_with(path, MARK)


def _from_tensorflow(root: Any) -> Found[StyleGAN1Settings]:
    network = tensorflow_network(root)
    told = network.told
    network.require(_FIXED)
    if _TENSORFLOW.constant not in network.variables:
        raise Damaged(f"it is the network {network.name[:40]}, not a StyleGAN1 generator")
    lod = network.variables.get("lod")
    check_grown(None if lod is None else array_of(lod, "lod"))
    rate = told.get("mapping_lrmul", 0.01)
    if not isinstance(rate, int | float) or not math.isfinite(rate):
        raise Damaged(f"its mapping_lrmul is {str(rate)[:40]}")
    fused = told.get("fused_scale", "auto")
    return _converted(
        _TENSORFLOW,
        network.variables,
        array_of,
        learning_rate=float(rate),
        fused_from={True: 0, False: 1 << 16}.get(fused, _FUSED_FROM),
    )


def _converted(
    layout: _Layout, values: Mapping[str, Any], take: Take, *, learning_rate: float, fused_from: int
) -> Found[StyleGAN1Settings]:
    """The network of NVIDIA's design, under NVIDIA's names or genforce's."""

    read = Tensors(values, take)

    def tensor(name: str) -> Tensor:
        found = read(name)
        if layout.is_transposed and found.ndim == 2 and name != layout.classes:
            return found.T
        is_kernel = found.ndim == 4 and name.endswith("/weight")
        return found.permute(3, 2, 0, 1) if layout.is_transposed and is_kernel else found

    tensors: dict[str, Tensor] = {}
    widths: list[int] = []
    while (name := layout.dense.format(i=len(widths))) in values and len(widths) < _MOST_LAYERS:
        weight = _matrix(tensor(name), name)
        place = f"dense.{len(widths)}"
        gain = math.sqrt(2 / weight.shape[1]) * learning_rate
        tensors[f"{place}.weight"] = weight * gain
        tensors[f"{place}.bias"] = tensor(_bias(name)) * learning_rate
        widths.append(len(weight))
    if not widths:
        raise Damaged("it has no mapping")
    inputs = tensors["dense.0.weight"].shape[1]
    num_classes = 0
    if layout.classes in values:
        tensors["class_vectors"] = vectors = tensor(layout.classes)
        num_classes, inputs = len(vectors), inputs - vectors.shape[-1]
    if has_average := layout.average in values:
        tensors["w_avg"] = tensor(layout.average)

    channels: list[int] = []
    for n in range(2 * 10):
        r = 4 << (n // 2)
        part = ("Const", "Conv", "Conv0_up", "Conv1")[min(n, 2 + n % 2)]
        name = layout.layer.format(n=n, r=r, part=part)
        if n and name not in values:
            break
        place, beside = f"layers.{n}", name.removesuffix("weight")
        if not n:
            tensors[f"{place}.const"] = tensor(layout.constant).flatten(0, 1)
        else:
            weight = checked_kernel(tensor(name), name)
            weight = weight * math.sqrt(2 / weight[0].numel())
            if n > 1 and n % 2 == 0:
                weight = upsampling_kernel(weight.flip(2, 3) if r >= fused_from else weight)
            tensors[f"{place}.weight"] = weight
        style = _matrix(tensor(beside + layout.style), beside + layout.style)
        tensors |= {
            f"{place}.bias": tensor(beside + "bias"),
            f"{place}.noise_strength": tensor(beside + layout.strength),
            f"{place}.noise_const": tensor(layout.noise.format(n=n)).flatten(0, 2),
            f"{place}.style.weight": style / math.sqrt(style.shape[1]),
            f"{place}.style.bias": _with_one(tensor(_bias(beside + layout.style))),
        }
        if n % 2 == 0:
            channels.append(len(tensors[f"{place}.bias"]))
    name = layout.colours.format(block=len(channels) - 1)
    colours = tensor(name)
    tensors["colours"] = colours / math.sqrt(colours[0].numel())
    tensors["colours_bias"] = tensor(_bias(name))
    settings = StyleGAN1Settings(
        z_dim=inputs,
        mapping=tuple(widths),
        img_channels=len(colours),
        channels=tuple(channels),
        has_average=has_average,
        num_classes=num_classes,
    )
    return Found(settings, tensors)


def _from_rosinality(tensor: Tensors) -> Found[StyleGAN1Settings]:
    def scaled(name: str) -> Tensor:
        """A weight times what its equalised learning rate divides it by."""
        weight = tensor(f"{name}.weight_orig")
        if weight.ndim < 2:
            raise Damaged(f"{name} has shape {tuple(weight.shape)}")
        return weight * math.sqrt(2 / weight[0].numel())

    tensors: dict[str, Tensor] = {}
    dense = tensor.numbered("style.#.linear.bias")
    widths: list[int] = []
    for i, number in enumerate(dense[:_MOST_LAYERS]):
        tensors[f"dense.{i}.weight"] = scaled(f"style.{number}.linear")
        tensors[f"dense.{i}.bias"] = tensor(f"style.{number}.linear.bias")
        widths.append(len(tensors[f"dense.{i}.bias"]))
    if not widths:
        raise Damaged("it has no mapping")
    blocks = _trained(tensor)
    noise = FixedNoise()
    channels = []
    for block in range(blocks):
        place = f"generator.progression.{block}"
        shared = noise(4 << block)  # for both of its layers
        for j in (1, 2):
            ours, name = f"layers.{2 * block + j - 1}", f"{place}.conv{j}"
            if f"{name}.input" in tensor:
                tensors[f"{ours}.const"] = tensor(f"{name}.input").flatten(0, 1)
                bias = torch.zeros(len(tensors[f"{ours}.const"]))
            elif j == 2:
                tensors[f"{ours}.weight"] = scaled(f"{name}.conv")
                bias = tensor(f"{name}.conv.bias")
            elif f"{name}.0.weight" in tensor:
                weight = checked_kernel(tensor(f"{name}.0.weight").transpose(0, 1), name)
                weight = weight.flip(2, 3) * math.sqrt(2 / weight[0].numel()) / 4
                tensors[f"{ours}.weight"] = upsampling_kernel(weight)
                bias = tensor(f"{name}.0.bias")
            else:
                tensors[f"{ours}.weight"] = upsampling_kernel(
                    checked_kernel(scaled(f"{name}.1.conv"), name)
                )
                bias = tensor(f"{name}.1.conv.bias")
            tensors |= {
                f"{ours}.bias": bias,
                f"{ours}.noise_strength": scaled(f"{place}.noise{j}").flatten(),
                f"{ours}.noise_const": shared,
                f"{ours}.style.weight": scaled(f"{place}.adain{j}.style.linear"),
                f"{ours}.style.bias": tensor(f"{place}.adain{j}.style.linear.bias"),
            }
        channels.append(len(bias))
    last = f"generator.to_rgb.{blocks - 1}.conv"
    tensors["colours"] = scaled(last)
    tensors["colours_bias"] = tensor(f"{last}.bias")
    settings = StyleGAN1Settings(
        z_dim=tensors["dense.0.weight"].shape[1],
        mapping=tuple(widths),
        img_channels=len(tensors["colours"]),
        channels=tuple(channels),
        epsilon=1e-5,
        blurs_bias=True,
        has_average=False,
    )
    side = settings.resolution
    remark = f"it does not say how far it has grown; it draws {side} px, as its last trained layer"
    return Found(settings, tensors, (remark,))


def _trained(tensor: Tensors) -> int:
    """How many blocks were trained: the others, which it has all the same, still have no bias."""
    trained = [
        i
        for i in range(1, 10)
        if (name := f"generator.to_rgb.{i}.conv.bias") in tensor and bool(tensor(name).any())
    ]
    if not trained:
        raise Damaged("none of its layers was ever trained")
    return trained[-1] + 1


def _with_one(bias: Tensor) -> Tensor:
    """The bias of a style, whose first half is added to one."""
    return bias + (torch.arange(len(bias)) < len(bias) // 2)


def _bias(name: str) -> str:
    return name.removesuffix("weight") + "bias"


def _matrix(weight: Tensor, name: str) -> Tensor:
    if weight.ndim != 2 or not weight.numel():
        raise Damaged(f"{name} has shape {tuple(weight.shape)}")
    return weight
