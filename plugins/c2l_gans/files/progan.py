"""ProGAN in NVIDIA's TensorFlow pickles, and in the files of genforce and pytorch_GAN_zoo."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from c2l.reading import Damaged, read_beginning
from c2l_gans.files import progan_zoo
from c2l_gans.files.found import (
    Found,
    check_grown,
    checkpoint,
    has_marks,
    is_pickle_with,
    pickle,
    tensors_of,
)
from c2l_gans.files.tensors import Tensors, checked_kernel
from c2l_gans.networks.progan import ProGANSettings
from c2l_gans.networks.upsampling import upsampling_kernel
from c2l_stylegan.shared import array_of, tensorflow_network

MARK = b"def G_paper("
"""In the source code that lies in each of NVIDIA's files, which is not read."""
_GENFORCE = ("layer0.weight", "layer1.weight", "output0.weight", "lod")
_FIXED = {
    "normalize_latents": True,
    "use_wscale": True,
    "use_pixelnorm": True,
    "use_leakyrelu": True,
    "label_size": 0,
}
"""Settings of NVIDIA's code, each with the only value that draws what our network draws."""

Kernel = Callable[[int, bool], tuple[Tensor, Tensor]]
"""Kernel (O, I, 3, 3) and bias of the n-th convolution; the flag says whether it doubles the
resolution, and then the kernel is for repeated pixels."""


def read(path: Path) -> Found[ProGANSettings]:
    """Read the generator of a file, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    names = read_beginning(path)
    if not names:
        with pickle(path) as (root, _):
            return _from_tensorflow(root)
    with checkpoint(path) as (root, take):
        if has_marks(names, progan_zoo.MARKS):
            values, _ = tensors_of(root, progan_zoo.MARKS)
            return progan_zoo.convert(Tensors(values, take), root)
        return _from_genforce(Tensors(tensors_of(root, _GENFORCE)[0], take))


def recognises(path: Path) -> bool:
    """Whether a file is one of these; looks only at its beginning."""
    names = read_beginning(path)
    if names:
        if has_marks(names, progan_zoo.MARKS):
            return True
        is_stylegan = b"early_layer" in names or b"style.weight" in names
        return not is_stylegan and has_marks(names, _GENFORCE)
    return is_pickle_with(path, MARK)


def _from_tensorflow(root: Any) -> Found[ProGANSettings]:
    network = tensorflow_network(root)
    network.require(_FIXED)
    tensor = Tensors(network.variables, array_of)
    if "lod" in tensor:
        check_grown(tensor("lod"))

    def kernel(n: int, up: bool) -> tuple[Tensor, Tensor]:
        place = f"{4 << (n // 2)}x{4 << (n // 2)}"
        fused = f"{place}/Conv0_up"
        if up and f"{fused}/weight" in tensor:
            # Such a kernel is (height, width, out, in), and is spread rather than gathered.
            weight = checked_kernel(tensor(f"{fused}/weight").permute(2, 3, 0, 1), fused)
            return weight.flip(2, 3), tensor(f"{fused}/bias")
        name = f"{place}/{'Conv0' if up else 'Conv1' if n > 1 else 'Conv'}"
        weight = checked_kernel(tensor(f"{name}/weight").permute(3, 2, 0, 1), name)
        return weight, tensor(f"{name}/bias")

    first = tensor("4x4/Dense/weight")
    if first.ndim != 2 or first.shape[1] % 16 or not first.numel():
        raise Damaged(f"its first layer has shape {tuple(first.shape)}")
    num = sum(name.endswith(("/Conv0/weight", "/Conv0_up/weight")) for name in tensor) + 1
    colours = tensor("ToRGB_lod0/weight").permute(3, 2, 0, 1)
    biases = tensor("4x4/Dense/bias"), tensor("ToRGB_lod0/bias")
    return _converted(num, first.T / 4, kernel, colours, *biases)


def _from_genforce(tensor: Tensors) -> Found[ProGANSettings]:
    check_grown(tensor("lod"))

    def kernel(n: int, up: bool) -> tuple[Tensor, Tensor]:
        return checked_kernel(tensor(f"layer{n}.weight"), f"layer{n}"), tensor(f"layer{n}.bias")

    first = tensor("layer0.weight")
    if first.ndim != 4 or first.shape[2:] != (4, 4) or not first.numel():
        raise Damaged(f"its first layer has shape {tuple(first.shape)}")
    # A convolution of a single pixel, which meets its kernel turned around.
    matrix = first.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2) / 4
    num = sum(name.startswith("output") and name.endswith(".weight") for name in tensor)
    last = f"output{num - 1}"
    biases = tensor("layer0.bias"), tensor(f"{last}.bias")
    return _converted(num, matrix, kernel, tensor(f"{last}.weight"), *biases)


def _converted(
    num: int,
    first: Tensor,
    kernel: Kernel,
    colours: Tensor,
    first_bias: Tensor,
    colours_bias: Tensor,
) -> Found[ProGANSettings]:
    """The network of ``num`` resolutions, its equalised learning rates multiplied in."""
    if not 1 <= num <= 10 or colours.ndim != 4 or not colours.numel():
        raise Damaged(f"it has {num} resolutions, and draws with {tuple(colours.shape)}")
    # Ours puts out pixels of all channels, theirs channels of all pixels.
    matrix = first.unflatten(0, (-1, 16)).transpose(0, 1).flatten(0, 1)
    tensors = {
        "first.weight": matrix * math.sqrt(2 / first.shape[1]),
        "first.bias": first_bias.repeat(16),
        "colours.weight": colours / math.sqrt(colours[0].numel()),
        "colours.bias": colours_bias,
    }
    channels = [len(first_bias)]
    for n in range(1, 2 * num):
        weight, bias = kernel(n, n % 2 == 0)
        weight = weight * math.sqrt(2 / weight[0].numel())
        tensors[f"layers.{n - 1}.weight"] = weight if n % 2 else upsampling_kernel(weight)
        tensors[f"layers.{n - 1}.bias"] = bias
        if n % 2 == 0:
            channels.append(len(bias))
    return Found(ProGANSettings(first.shape[1], len(colours), tuple(channels)), tensors)
