"""What the attributes of pickled layers say, checked; and the settings that both families share.

Every function here raises ``Damaged`` for values that no network has.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from c2l.reading import Damaged
from c2l_stylegan.files.pickled import Module
from c2l_stylegan.files.shapes import shape_of
from c2l_stylegan.networks.settings import MappingSettings

_MOST_LAYERS = 100
_LARGEST = 1 << 16


def common(generator: Module, tensors: dict[str, Tensor]) -> dict[str, int]:
    """The widths of z, label and w."""
    widths = {name: number(generator.attribute(name)) for name in ("z_dim", "c_dim", "w_dim")}
    if not widths["c_dim"]:
        # An unconditional StyleGAN-XL holds embeddings of classes, and does not use them.
        tensors.pop("mapping.embed.weight", None)
    if widths["c_dim"] and "mapping.embed.weight" not in tensors:
        raise Damaged("it has classes, but embeds them in an unknown way")
    return widths


def mapping_settings(generator: Module, tensors: dict[str, Tensor]) -> MappingSettings:
    """The settings of the mapping network."""
    mapping = child_of(generator, "mapping")
    layers = [module for name, module in mapping.children() if name.startswith("fc")]
    if not 1 <= len(layers) <= _MOST_LAYERS:
        raise Damaged(f"its mapping has {len(layers)} layers")
    width = shape_of(tensors, "mapping.fc0.weight", 2)[0]
    embedded = tensors.get("mapping.embed.weight")
    w_dim = number(generator.attribute("w_dim"))
    settings = MappingSettings(
        num_layers=len(layers),
        lr_multiplier=real(layers[0].attribute("bias_gain")),
        activation=text(layers[0].attribute("activation"), "lrelu"),
        has_average="mapping.w_avg" in tensors,
    )
    # None where the usual rule gives the same, so that one network has one description.
    if width != w_dim and len(layers) > 1:
        settings = dataclasses.replace(settings, layer_features=width)
    if embedded is not None and len(embedded) != w_dim:
        settings = dataclasses.replace(settings, embed_features=len(embedded))
    return settings


def channel_rule(synthesis: Module) -> dict[str, int]:
    """The rule that the numbers of channels followed; the layers hold the numbers themselves."""
    kwargs = synthesis.attribute("_init_kwargs") or {}
    names = ("channel_base", "channel_max")
    return {n: v for n in names if type(v := kwargs.get(n)) is int and 0 < v < 1 << 32}


def clamp_of(layers: Sequence[Module]) -> float | None:
    """The clamp that all these layers share; None for no clamp."""
    given = [layer.attribute("conv_clamp") for layer in layers]
    values = {None if value is None else real(value, as_given=True) for value in given}
    if len(values) != 1:
        raise Damaged(f"its layers have {len(values)} different clamps")
    return next(iter(values))


def child_of(module: Module, name: str) -> Module:
    """A required submodule."""
    found = module.child(name)
    if found is None:
        raise Damaged(f"its {module.class_name} has no {name}")
    return found


def number(value: Any) -> int:
    """A size: a whole number, or a list of equal ones."""
    while isinstance(value, list) and value and all(item == value[0] for item in value):
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        raise Damaged(f"one of its sizes is {str(value)[:40]}")
    if value != int(value):
        raise Damaged(f"one of its sizes is {value}")
    return int(value)


def real(value: Any, *, as_given: bool = False) -> Any:
    """A finite number, as float unless ``as_given``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Damaged(f"one of its numbers is {str(value)[:40]}")
    return value if as_given else float(value)


def text(value: Any, otherwise: str) -> str:
    """A string, or ``otherwise``."""
    return value[:40] if isinstance(value, str) else otherwise
