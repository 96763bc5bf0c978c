"""Progressive GAN as pytorch_GAN_zoo keeps it, there called PGAN."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from c2l.reading import Damaged
from c2l_gans.files.found import Found
from c2l_gans.files.gan_zoo import Training
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.progan import ProGANSettings
from c2l_gans.networks.upsampling import upsampling_kernel

MARKS = (
    "formatLayer.module.weight",
    "groupScale0.0.module.weight",
    "toRGBLayers.0.module.weight",
)


def convert(tensor: Tensors, root: Any) -> Found[ProGANSettings]:
    """The network of a checkpoint.

    Raises:
        Damaged: something is missing or does not fit.
    """
    training = Training(root)
    if not training.flag("perChannelNormalization"):
        raise Damaged("its perChannelNormalization is off, which no published network has")
    is_equalised = training.flag("equalizedlR")

    def layer(name: str, ndim: int) -> tuple[Tensor, Tensor]:
        weight = tensor(f"{name}.module.weight", ndim=ndim)
        # Weights are trained at one scale, and biases with them.
        gain = math.sqrt(2 / max(weight[:1].numel(), 1)) if is_equalised else 1.0
        return weight * gain, tensor(f"{name}.module.bias", ndim=1) * gain

    weight, bias = layer("formatLayer", 2)
    start = len(bias) // 16
    if len(bias) != 16 * start:
        raise Damaged(f"formatLayer has {len(bias)} numbers, which are not 4x4 features")
    tensors = {
        "first.weight": weight.unflatten(0, (start, 16)).transpose(0, 1).flatten(0, 1),
        "first.bias": bias.view(start, 16).T.flatten(),
    }
    scales = tensor.numbered("scaleLayers.#.")
    places = ["groupScale0.0", *(f"scaleLayers.{i}.{k}" for i in scales for k in range(2))]
    channels = [start]
    for i, place in enumerate(places):
        weight, tensors[f"layers.{i}.bias"] = layer(place, 4)
        if weight.shape[2:] != (3, 3):
            raise Damaged(f"{place} has shape {tuple(weight.shape)}")
        is_up = i % 2 == 1
        tensors[f"layers.{i}.weight"] = upsampling_kernel(weight) if is_up else weight
        if is_up:
            channels.append(len(weight))
    tensors["colours.weight"], tensors["colours.bias"] = layer(f"toRGBLayers.{len(scales)}", 4)
    settings = ProGANSettings(
        z_dim=tensors["first.weight"].shape[1],
        img_channels=len(tensors["colours.bias"]),
        channels=tuple(channels),
        slope=training.number("leakyReluLeak", 0.2),
        tanh=training.has_tanh(),
    )
    return Found(settings, tensors)
