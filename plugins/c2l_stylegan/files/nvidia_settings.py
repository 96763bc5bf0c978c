"""The settings of a pickled network, from the attributes of its layers.

What the constructors were called with is recorded too, but without their defaults, which changed
from one repository to the next. It is asked only where no layer knows the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from c2l.reading import Damaged
from c2l_stylegan.files.layer_attributes import (
    channel_rule,
    child_of,
    clamp_of,
    common,
    mapping_settings,
    number,
    text,
)
from c2l_stylegan.files.nvidia_stylegan3 import convert3
from c2l_stylegan.files.pickled import Module
from c2l_stylegan.files.shapes import shape_of
from c2l_stylegan.networks.settings import Settings, StyleGAN2Settings

_BLOCK = re.compile(r"b\d{1,5}(x\d{1,5})?")
_CONVOLUTIONS = ("conv0", "conv1", "torgb")


def convert(generator: Module, tensors: dict[str, Tensor]) -> tuple[Settings, dict[str, Tensor]]:
    """Settings and tensors of a generator, the latter with the names that ours has.

    Raises:
        Damaged: it is another network than a StyleGAN2 or StyleGAN3.
    """
    synthesis = child_of(generator, "synthesis")
    if synthesis.child("input") is not None:
        return convert3(generator, synthesis, tensors)
    if any(_BLOCK.fullmatch(name) for name, _ in synthesis.children()):
        return _stylegan2(generator, synthesis, tensors)
    raise Damaged(f"its {synthesis.class_name} has neither a constant nor a Fourier input")


def _stylegan2(
    generator: Module, synthesis: Module, tensors: dict[str, Tensor]
) -> tuple[StyleGAN2Settings, dict[str, Tensor]]:
    children = {name: m for name, m in synthesis.children() if _BLOCK.fullmatch(name)}
    names, tensors = block_names(children, tensors)
    blocks = {int(names[name][1:]): module for name, module in children.items()}
    side = max(blocks)
    layers = [
        layer for block in blocks.values() for n, layer in block.children() if n in _CONVOLUTIONS
    ]
    weights = {r: shape_of(tensors, f"synthesis.b{r}.conv1.weight", 4) for r in blocks}
    _, height, width = shape_of(tensors, "synthesis.b4.const", 3)
    settings = StyleGAN2Settings(
        **common(generator, tensors),
        img_resolution=side,
        img_channels=shape_of(tensors, f"synthesis.b{side}.torgb.weight", 4)[0],
        mapping=mapping_settings(generator, tensors),
        channels={r: shape[0] for r, shape in weights.items()},
        architecture=text(blocks[side].attribute("architecture"), "skip"),
        resample_filter=taps_of(tensors, "synthesis.b4.resample_filter"),
        use_noise="synthesis.b4.conv1.noise_const" in tensors,
        activation=text(child_of(blocks[4], "conv1").attribute("activation"), "lrelu"),
        kernel_size=weights[4][2],
        conv_clamp=clamp_of(layers),
        const_size=(number(height), number(width)),
        **channel_rule(synthesis),
    )
    return settings, tensors


def block_names(
    labels: Iterable[str], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Our name of each block, b4, b8 and so on, and the tensors by these names.

    Where images are not square, blocks may have been named after one side of them or after both.
    """
    order = sorted(labels, key=lambda label: [int(side) for side in label[1:].split("x")])
    sides = [[int(side) for side in label[1:].split("x")] for label in order]
    if any(sides[i] != [side << i for side in sides[0]] for i in range(len(sides))):
        raise Damaged(f"its blocks {', '.join(order)[:80]} do not double in size")
    names = {label: f"b{4 << i}" for i, label in enumerate(order)}
    renamed = {}
    for key, tensor in tensors.items():
        place, block, rest = (*key.split(".", 2), "", "")[:3]
        if place == "synthesis" and block in names:
            key = f"{place}.{names[block]}.{rest}"
        renamed[key] = tensor
    return names, renamed


def taps_of(tensors: dict[str, Tensor], name: str) -> tuple[Any, ...]:
    """A stored low-pass filter as the taps that give it."""
    stored = tensors.get(name)
    if stored is None:
        raise Damaged(f"it has no {name}")
    if stored.ndim not in (1, 2) or not 1 <= max(stored.shape, default=0) <= 64:
        raise Damaged(f"its filter has shape {tuple(stored.shape)}")
    rows = (stored.double() * 64).tolist()
    usual = [[a * b for b in (1, 3, 3, 1)] for a in (1, 3, 3, 1)]
    return (1, 3, 3, 1) if rows == usual else _tuples(stored.tolist())


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
