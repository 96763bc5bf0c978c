"""The settings of a pickled network, from the attributes of its layers.

What the constructors were called with is recorded too, but without their defaults, which changed
from one repository to the next. It is asked only where no layer knows the answer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from c2l.torch_files import Damaged
from c2l_stylegan.pickled import Module
from c2l_stylegan.settings import (
    MappingSettings,
    Settings,
    StyleGAN2Settings,
    StyleGAN3Settings,
)
from c2l_stylegan.stylegan3 import Signal, signals

_MOST_LAYERS = 100
_LARGEST = 1 << 16
_DESIGN = ("first_stopband", "last_stopband_rel")


def convert(generator: Module, tensors: dict[str, Tensor]) -> tuple[Settings, dict[str, Tensor]]:
    """Settings and tensors of a generator, the latter with the names that ours has.

    Raises:
        Damaged: it is another network than a StyleGAN2 or StyleGAN3.
    """
    synthesis = _child(generator, "synthesis")
    if synthesis.child("input") is not None:
        return _stylegan3(generator, synthesis, tensors)
    if synthesis.child("b4") is not None:
        return _stylegan2(generator, synthesis, tensors), tensors
    raise Damaged(f"its {synthesis.class_name} has neither a constant nor a Fourier input")


def _stylegan2(
    generator: Module, synthesis: Module, tensors: dict[str, Tensor]
) -> StyleGAN2Settings:
    blocks = {int(n[1:]): m for n, m in synthesis.children() if n[:1] == "b" and n[1:].isdigit()}
    side = max(blocks)
    if sorted(blocks) != [2**i for i in range(2, side.bit_length())]:
        raise Damaged(f"its blocks {sorted(blocks)} do not double from 4")
    layers = [
        layer for block in blocks.values() for n, layer in block.children() if n in _CONVOLUTIONS
    ]
    convs = [layer for layer in layers if layer.class_name != "ToRGBLayer"]
    first = _child(blocks[4], "conv1")
    weights = {r: _shape(tensors, f"synthesis.b{r}.conv1.weight", 4) for r in blocks}
    return (
        StyleGAN2Settings(
            **_common(generator, tensors),
            img_resolution=side,
            img_channels=_shape(tensors, f"synthesis.b{side}.torgb.weight", 4)[0],
            mapping=_mapping(generator, tensors),
            channels={r: shape[0] for r, shape in weights.items()},
            architecture=_text(blocks[side].attribute("architecture"), "skip"),
            resample_filter=taps_of(tensors, "synthesis.b4.resample_filter"),
            use_noise="synthesis.b4.conv1.noise_const" in tensors,
            activation=_text(first.attribute("activation"), "lrelu"),
            kernel_size=weights[4][2],
            conv_clamp=_clamp(layers),
            **_base(synthesis),
        )
        if convs
        else _no_layers()
    )


_CONVOLUTIONS = ("conv0", "conv1", "torgb")


def _no_layers() -> StyleGAN2Settings:
    raise Damaged("its blocks have no layers")


def _stylegan3(
    generator: Module, synthesis: Module, tensors: dict[str, Tensor]
) -> tuple[StyleGAN3Settings, dict[str, Tensor]]:
    layers = {name: module for name, module in synthesis.children() if name != "input"}
    names = synthesis.attribute("layer_names")
    if isinstance(names, list) and sorted(map(str, names)) == sorted(layers):
        layers = {name: layers[name] for name in names}
    num_layers = len(layers) - 1
    if not 2 <= num_layers <= _MOST_LAYERS:
        raise Damaged(f"it has {num_layers} layers")
    first, *_, last = layers.values()
    design = _design(synthesis)
    settings = StyleGAN3Settings(
        **_common(generator, tensors),
        img_resolution=_number(last.attribute("out_size")),
        img_channels=_number(last.attribute("out_channels")),
        mapping=_mapping(generator, tensors),
        **_base(synthesis),
        num_layers=num_layers,
        num_critical=sum(
            layer.attribute("is_critically_sampled") is True for layer in layers.values()
        )
        - 1,
        first_cutoff=_real(first.attribute("in_cutoff")),
        margin_size=_number(synthesis.attribute("margin_size")),
        output_scale=_real(synthesis.attribute("output_scale")),
        conv_kernel=_number(first.attribute("conv_kernel")),
        filter_size=_per_factor(layers.values(), design.pop("filter_size", 6)),
        lrelu_upsampling=_upsampling(first),
        use_radial_filters=any(m.attribute("down_radial") is True for m in layers.values()),
        conv_clamp=_clamp(list(layers.values())),
        **design,
    )
    return settings, _renamed(settings, layers, tensors)


def _renamed(
    settings: StyleGAN3Settings, layers: dict[str, Module], tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors with the names of our layers, once these are known to compute the same."""
    if not 0 < settings.num_critical < settings.num_layers:
        raise Damaged(f"it has {settings.num_critical} critically sampled layers")
    stages = signals(settings)
    names = {}
    for i, (name, layer) in enumerate(layers.items()):
        for side, stage in (("in", stages[max(i - 1, 0)]), ("out", stages[i])):
            _compare(name, layer, side, stage)
        names[name] = f"L{i}_{stages[i].size}_{stages[i].channels}"
    renamed = {}
    for key, tensor in tensors.items():
        place, layer_name, rest = (*key.split(".", 2), "", "")[:3]
        if place == "synthesis" and layer_name in names:
            key = f"{place}.{names[layer_name]}.{rest}"
        renamed[key] = tensor
    return renamed


def _compare(name: str, layer: Module, side: str, stage: Signal) -> None:
    told: dict[str, float] = {
        f"{side}_size": stage.size,
        f"{side}_channels": stage.channels,
        f"{side}_sampling_rate": stage.sampling_rate,
        f"{side}_cutoff": stage.cutoff,
        f"{side}_half_width": stage.half_width,
    }
    for attribute, expected in told.items():
        value = layer.attribute(attribute)
        for part in value if isinstance(value, list) else [value]:
            if not math.isclose(_real(part), expected, rel_tol=1e-6):
                raise Damaged(f"{attribute} of its layer {name} is {part}, not {expected:g}")


def _common(generator: Module, tensors: dict[str, Tensor]) -> dict[str, int]:
    widths = {name: _number(generator.attribute(name)) for name in ("z_dim", "c_dim", "w_dim")}
    if widths["c_dim"] and "mapping.embed.weight" not in tensors:
        raise Damaged("it has classes, but embeds them in a way that is not known here")
    return widths


def _mapping(generator: Module, tensors: dict[str, Tensor]) -> MappingSettings:
    mapping = _child(generator, "mapping")
    layers = [module for name, module in mapping.children() if name.startswith("fc")]
    if not 1 <= len(layers) <= _MOST_LAYERS:
        raise Damaged(f"its mapping has {len(layers)} layers")
    width = _shape(tensors, "mapping.fc0.weight", 2)[0]
    embedded = tensors.get("mapping.embed.weight")
    w_dim = _number(generator.attribute("w_dim"))
    settings = MappingSettings(
        num_layers=len(layers),
        lr_multiplier=_real(layers[0].attribute("bias_gain")),
        activation=_text(layers[0].attribute("activation"), "lrelu"),
        has_average="mapping.w_avg" in tensors,
    )
    # None where the usual rule gives the same, so that one network has one description.
    if width != w_dim and len(layers) > 1:
        settings = dataclasses.replace(settings, layer_features=width)
    if embedded is not None and len(embedded) != w_dim:
        settings = dataclasses.replace(settings, embed_features=len(embedded))
    return settings


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


def _base(synthesis: Module) -> dict[str, int]:
    """What the numbers of channels followed from; the layers say what they are."""
    kwargs = synthesis.attribute("_init_kwargs") or {}
    names = ("channel_base", "channel_max")
    return {n: v for n in names if type(v := kwargs.get(n)) is int and 0 < v < 1 << 32}


def _design(synthesis: Module) -> dict[str, Any]:
    kwargs = synthesis.attribute("_init_kwargs") or {}
    found: dict[str, Any] = {name: _real(kwargs[name]) for name in _DESIGN if name in kwargs}
    if "filter_size" in kwargs:
        found["filter_size"] = _number(kwargs["filter_size"])
    return found


def _per_factor(layers: Any, otherwise: int) -> int:
    for layer in layers:
        for way in ("up", "down"):
            factor, taps = layer.attribute(f"{way}_factor"), layer.attribute(f"{way}_taps")
            if isinstance(factor, int) and factor > 1 and isinstance(taps, int):
                return taps // factor
    return otherwise


def _upsampling(layer: Module) -> int:
    rates = [layer.attribute(f"{side}_sampling_rate") for side in ("tmp", "in", "out")]
    inside, before, after = map(_number, rates)
    return max(1, inside // max(before, after, 1))


def _clamp(layers: Sequence[Module]) -> float | None:
    values = {layer.attribute("conv_clamp") for layer in layers}
    if len(values) != 1:
        raise Damaged(f"its layers clamp at different values: {sorted(map(str, values))}")
    (value,) = values
    return None if value is None else _real(value, as_given=True)


def _child(module: Module, name: str) -> Module:
    found = module.child(name)
    if found is None:
        raise Damaged(f"its {module.class_name} has no {name}")
    return found


def _shape(tensors: dict[str, Tensor], name: str, ndim: int) -> tuple[int, ...]:
    if name not in tensors:
        raise Damaged(f"it has no {name}")
    shape = tuple(tensors[name].shape)
    if len(shape) != ndim:
        raise Damaged(f"{name} has shape {shape}")
    return shape


def _number(value: Any) -> int:
    while isinstance(value, list) and value and all(item == value[0] for item in value):
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        raise Damaged(f"a size in it is {str(value)[:40]}")
    if value != int(value):
        raise Damaged(f"a size in it is {value}")
    return int(value)


def _real(value: Any, *, as_given: bool = False) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Damaged(f"a number in it is {str(value)[:40]}")
    return value if as_given else float(value)


def _text(value: Any, otherwise: str) -> str:
    return value[:40] if isinstance(value, str) else otherwise
