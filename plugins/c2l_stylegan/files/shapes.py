"""The settings of a StyleGAN2 that its tensors tell by their shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import Damaged
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings

_MOST_LAYERS = 100


def settings_of_shapes(
    tensors: Mapping[str, Tensor],
    *,
    lr_multiplier: float = 0.01,
    mapping_activation: str = "lrelu",
    architecture: str | None = None,
    is_unconditional: bool = False,
    **told: Any,
) -> StyleGAN2Settings:
    """Settings of a network whose tensors have our names; what shapes cannot tell is given.

    Args:
        is_unconditional: the file says so; else a z wider than w is taken for the trace of classes.
    Raises:
        Damaged: the shapes are not those of a StyleGAN2.
    """
    blocks = sorted(int(m[1]) for n in tensors if (m := _BLOCK.fullmatch(n)))
    if not blocks or blocks != [4 << i for i in range(len(blocks))]:
        raise Damaged(f"it has the blocks {blocks[:20]}")
    side = blocks[-1]
    widths, mapping = mapping_of_shapes(
        tensors,
        lr_multiplier=lr_multiplier,
        activation=mapping_activation,
        is_unconditional=is_unconditional,
    )
    _, height, across = shape_of(tensors, "synthesis.b4.const", 3)
    colours = [f"synthesis.b{r}.torgb.weight" in tensors for r in blocks]
    has_bypass = f"synthesis.b{side}.skip.weight" in tensors
    implied = "resnet" if has_bypass else "skip" if all(colours) else "orig"
    try:
        return StyleGAN2Settings(
            **widths,
            img_resolution=side,
            img_channels=shape_of(tensors, f"synthesis.b{side}.torgb.weight", 4)[0],
            mapping=mapping,
            channels={r: shape_of(tensors, f"synthesis.b{r}.conv1.weight", 4)[0] for r in blocks},
            architecture=architecture or implied,
            use_noise="synthesis.b4.conv1.noise_const" in tensors,
            kernel_size=tensors["synthesis.b4.conv1.weight"].shape[-1],
            const_size=(height, across),
            **told,
        )
    except BadWeights as error:
        raise Damaged(error.message) from error


def mapping_of_shapes(
    tensors: Mapping[str, Tensor],
    *,
    lr_multiplier: float = 0.01,
    activation: str = "lrelu",
    is_unconditional: bool = False,
) -> tuple[dict[str, Any], MappingSettings]:
    """The widths of z, label and w, and the settings of the mapping.

    Raises:
        Damaged: the shapes are not those of a mapping network.
    """
    layers = sum(bool(_DENSE.fullmatch(name)) for name in tensors)
    if not 1 <= layers <= _MOST_LAYERS:
        raise Damaged(f"its mapping has {layers} layers")
    width, inputs = shape_of(tensors, "mapping.fc0.weight", 2)
    w_dim, _ = shape_of(tensors, f"mapping.fc{layers - 1}.weight", 2)
    embed_features, c_dim = 0, 0
    if "mapping.embed.weight" in tensors:
        embed_features, c_dim = shape_of(tensors, "mapping.embed.weight", 2)
    elif inputs > w_dim and not is_unconditional:
        raise Damaged(
            f"its mapping takes {inputs} numbers where z has {w_dim}: it is a network with "
            "classes that lost their embedding; convert the file that it was made of"
        )
    settings = MappingSettings(
        num_layers=layers,
        lr_multiplier=lr_multiplier,
        activation=activation,
        # None where the usual rule gives the same: one network has one description.
        embed_features=embed_features if embed_features not in (0, w_dim) else None,
        layer_features=width if layers > 1 and width != w_dim else None,
        has_average="mapping.w_avg" in tensors,
    )
    return {"z_dim": inputs - embed_features, "c_dim": c_dim, "w_dim": w_dim}, settings


_BLOCK = re.compile(r"synthesis\.b(\d{1,6})\.conv1\.weight")
_DENSE = re.compile(r"mapping\.fc\d{1,3}\.weight")


def shape_of(tensors: Mapping[str, Tensor], name: str, ndim: int) -> tuple[int, ...]:
    """The shape of a required tensor of ``ndim`` dimensions."""
    if name not in tensors:
        raise Damaged(f"it has no {name}")
    shape = tuple(tensors[name].shape)
    if len(shape) != ndim or not all(shape):
        raise Damaged(f"{name} has shape {shape}")
    return shape
