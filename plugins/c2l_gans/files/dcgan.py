"""DCGANs: of PyTorch's example and the like, and of pytorch_GAN_zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged, named_tensors, read_beginning
from c2l_gans.files import normalisations
from c2l_gans.files.found import Found, checkpoint, has_marks, tensors_of
from c2l_gans.files.gan_zoo import Training
from c2l_gans.files.tensors import Tensors
from c2l_gans.networks.dcgan import DCGANSettings

_EXAMPLE = ("main.0.weight", "main.1.running_mean", "main.3.weight", "main.4.running_mean")
_ZOO = ("formatLayer.weight", "main.batchNorm0.running_mean", "main.outlayer.weight")


def read(path: Path) -> Found[DCGANSettings]:
    """Read the generator of a checkpoint, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with checkpoint(path) as (root, take):
        is_zoo = any(name.endswith(_ZOO[1]) for name in named_tensors(root))
        values, _ = tensors_of(root, _ZOO if is_zoo else _EXAMPLE)
        tensor = Tensors(values, take)
        return _of_zoo(tensor, root) if is_zoo else _of_example(tensor)


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    names = read_beginning(path)
    if has_marks(names, _ZOO):
        return True
    # Names that many layers of others end in, so they must be whole.
    return any(
        all(_pickled(f"{wrapped}{name}") in names for name in _EXAMPLE)
        for wrapped in ("", "module.")
    )


def _pickled(name: str) -> bytes:
    return len(name).to_bytes(4, "little") + name.encode()


def _of_example(tensor: Tensors) -> Found[DCGANSettings]:
    layers = []
    for i in tensor.numbered("main.#."):
        if f"main.{i}.running_mean" not in tensor:
            norm = f"main.{i + 1}"
            layers.append((f"main.{i}", norm if f"{norm}.running_mean" in tensor else None))
    return _convert(tensor, layers, tanh=True)


def _of_zoo(tensor: Tensors, root: Any) -> Found[DCGANSettings]:
    training = Training(root)
    middle = tensor.numbered("main.convTranspose#.")
    layers: list[tuple[str, str | None]] = [("formatLayer", "main.batchNorm0")]
    layers += [(f"main.convTranspose{i}", f"main.batchNorm{i}") for i in middle]
    layers.append(("main.outlayer", None))
    return _convert(tensor, layers, tanh=training.has_tanh() or not training)


def _convert(
    tensor: Tensors, layers: list[tuple[str, str | None]], *, tanh: bool
) -> Found[DCGANSettings]:
    """A network of transposed convolutions, each with the normalisation after it."""
    tensors: dict[str, Tensor] = {}
    channels = []
    z_dim = 0
    for i, (conv, norm) in enumerate(layers):
        weight = tensor(f"{conv}.weight", ndim=4)
        if weight.shape[2:] != (4, 4):
            raise Damaged(f"{conv} has shape {tuple(weight.shape)}; only kernels of 4x4 open")
        out = weight.shape[1]
        bias = tensor(f"{conv}.bias", ndim=1) if f"{conv}.bias" in tensor else torch.zeros(out)
        if norm is not None:
            gain, shift = normalisations.affine(tensor, norm)
            weight = normalisations.scaled(weight.transpose(0, 1), gain).transpose(0, 1)
            bias = bias * gain + shift
        channels.append(out)
        if i == 0:
            z_dim = len(weight)
            tensors["first.weight"] = weight.permute(2, 3, 1, 0).flatten(0, 2)
            tensors["first.bias"] = bias.repeat(16)
        else:
            tensors[f"doublings.{i - 1}.weight"] = weight
            tensors[f"doublings.{i - 1}.bias"] = bias
    return Found(DCGANSettings(z_dim=z_dim, channels=tuple(channels), tanh=tanh), tensors)
