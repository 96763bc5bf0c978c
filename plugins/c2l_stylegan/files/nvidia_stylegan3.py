"""The settings of a pickled StyleGAN3, from what its layers say of the signals between them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from torch import Tensor

from c2l.reading import Damaged
from c2l_stylegan.files.layer_attributes import (
    channel_rule,
    clamp_of,
    common,
    mapping_settings,
    number,
    real,
)
from c2l_stylegan.files.pickled import Module
from c2l_stylegan.networks.settings import Signal, StyleGAN3Settings
from c2l_stylegan.networks.stylegan3 import signals

_MOST_LAYERS = 100
_DESIGN = ("first_stopband", "last_stopband_rel")


def convert3(
    generator: Module, synthesis: Module, tensors: dict[str, Tensor]
) -> tuple[StyleGAN3Settings, dict[str, Tensor]]:
    """Settings and tensors of a StyleGAN3, the latter with the names that ours has.

    Raises:
        Damaged: its layers do not fit together.
    """
    layers = {name: module for name, module in synthesis.children() if name != "input"}
    names = synthesis.attribute("layer_names")
    order = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    if sorted(order) == sorted(layers):
        layers = {name: layers[name] for name in order}
    num_layers = len(layers) - 1
    if not 1 <= num_layers <= _MOST_LAYERS:
        raise Damaged(f"it has {num_layers} layers")
    first, *_, last = layers.values()
    design = _design(synthesis)
    told = [_signal(first, "in"), *(_signal(layer, "out") for layer in layers.values())]
    for layer, before in zip(layers.values(), told, strict=False):
        if not _alike(_signal(layer, "in"), before):
            raise Damaged("the output of one of its layers is not the input of the next")
    if not _alike(told[0], told[1]):
        raise Damaged("its first layer resamples, which a StyleGAN3's does not")
    settings = StyleGAN3Settings(
        **common(generator, tensors),
        img_resolution=_resolution(generator, told[-1].size),
        img_channels=number(last.attribute("out_channels")),
        mapping=mapping_settings(generator, tensors),
        **channel_rule(synthesis),
        num_layers=num_layers,
        num_critical=sum(
            layer.attribute("is_critically_sampled") is True for layer in layers.values()
        )
        - 1,
        first_cutoff=real(first.attribute("in_cutoff")),
        margin_size=number(synthesis.attribute("margin_size")),
        output_scale=real(synthesis.attribute("output_scale")),
        conv_kernel=number(first.attribute("conv_kernel")),
        filter_size=_per_factor(layers.values(), design.pop("filter_size", 6)),
        lrelu_upsampling=_upsampling(first),
        use_radial_filters=any(m.attribute("down_radial") is True for m in layers.values()),
        conv_clamp=clamp_of(list(layers.values())),
        signals=tuple(told[1:]),
        **design,
    )
    # Not listed where the paper's rule gives the same, so that one network has one description.
    usual = dataclasses.replace(settings, signals=())
    if all(map(_alike, signals(usual), settings.signals)):
        settings = usual
    return settings, _renamed(settings, list(layers), tensors)


def _renamed(
    settings: StyleGAN3Settings, layers: list[str], tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors with the names of our layers."""
    names = {
        name: f"L{i}_{signal.size[1]}_{signal.channels}"
        for i, (name, signal) in enumerate(zip(layers, signals(settings), strict=True))
    }
    renamed = {}
    for key, tensor in tensors.items():
        place, layer, rest = (*key.split(".", 2), "", "")[:3]
        if place == "synthesis" and layer in names:
            key = f"{place}.{names[layer]}.{rest}"
        renamed[key] = tensor
    return renamed


def _signal(layer: Module, side: str) -> Signal:
    """What comes in (side "in") or goes out ("out") of a layer, as the layer describes it."""
    return Signal(
        cutoff=real(layer.attribute(f"{side}_cutoff")),
        half_width=real(layer.attribute(f"{side}_half_width")),
        sampling_rate=number(layer.attribute(f"{side}_sampling_rate")),
        size=_size(layer.attribute(f"{side}_size")),
        channels=number(layer.attribute(f"{side}_channels")),
    )


def _alike(one: Signal, other: Signal) -> bool:
    """Whether two signals are the same, up to the rounding of their bands."""
    return (
        one.size == other.size
        and one.channels == other.channels
        and one.sampling_rate == other.sampling_rate
        and math.isclose(one.cutoff, other.cutoff, rel_tol=1e-6)
        and math.isclose(one.half_width, other.half_width, rel_tol=1e-6)
    )


def _design(synthesis: Module) -> dict[str, Any]:
    kwargs = synthesis.attribute("_init_kwargs") or {}
    found: dict[str, Any] = {name: real(kwargs[name]) for name in _DESIGN if name in kwargs}
    if "filter_size" in kwargs:
        found["filter_size"] = number(kwargs["filter_size"])
    return found


def _per_factor(layers: Any, otherwise: int) -> int:
    for layer in layers:
        for way in ("up", "down"):
            factor, taps = layer.attribute(f"{way}_factor"), layer.attribute(f"{way}_taps")
            if isinstance(factor, int) and factor > 1 and isinstance(taps, int) and taps > 1:
                return taps // factor
    return otherwise


def _upsampling(layer: Module) -> int:
    rates = [layer.attribute(f"{side}_sampling_rate") for side in ("tmp", "in", "out")]
    inside, before, after = map(number, rates)
    return max(1, inside // max(before, after, 1))


def _size(value: Any) -> tuple[int, int]:
    """Height and width of what the official code notes as width and height, or as one number."""
    if not isinstance(value, list):
        return number(value), number(value)
    if len(value) != 2:
        raise Damaged(f"one of its sizes is {str(value)[:40]}")
    return number(value[1]), number(value[0])


def _resolution(generator: Module, size: tuple[int, int]) -> int:
    """The resolution that bands follow from: the longer side, unless the network says otherwise."""
    told = generator.attribute("img_resolution")
    return told if type(told) is int and told in size else max(size)
