"""Tensors with NVIDIA's names and nothing beside them: state dicts of their networks.

Shapes tell nearly everything. The rest is taken to be as in NVIDIA's own networks, and said.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged
from c2l_stylegan.files.nvidia_settings import block_names, taps_of
from c2l_stylegan.files.renaming import Found, Take
from c2l_stylegan.files.shapes import mapping_of_shapes, settings_of_shapes, shape_of
from c2l_stylegan.networks.initial_weights import drawing_weights
from c2l_stylegan.networks.settings import StyleGAN3Settings
from c2l_stylegan.networks.stylegan3 import Synthesis3, signals

_CLAMP = 256.0
_FIRST = "mapping.fc0.weight"
_BLOCK = re.compile(r"synthesis\.(b\d{1,5}(?:x\d{1,5})?)\..*")
_LAYER = re.compile(r"synthesis\.(L(\d{1,3})_(\d{1,5})_(\d{1,5}))\.weight")
_ASSUMED = (
    "it holds tensors alone; taken to be as in NVIDIA's own networks: "
    "leaky ReLU, learning rate 0.01 in the mapping, features clamped at 256"
)
_BANDS = f"{_ASSUMED}, and the frequencies of its layers"
_RULES = ((32768, 512), (65536, 1024))
"""NVIDIA's ``channel_base`` and ``channel_max``, of their two configurations."""


def places(names: Iterable[str]) -> list[str]:
    """Where in a file such networks lie: what stands before their names."""
    ends = {n.removesuffix(_FIRST) for n in names if n == _FIRST or n.endswith(f".{_FIRST}")}
    inputs = ("synthesis.b", "synthesis.input.weight")
    return [e for e in ends if any(n.startswith(tuple(e + i for i in inputs)) for n in names)]


def convert(place: str, values: Mapping[str, Any], take: Take) -> Found:
    """Settings and tensors of a state dict.

    Raises:
        Damaged: it is another network, or not of NVIDIA's sizes.
    """
    own = {n.removeprefix(place): value for n, value in values.items() if n.startswith(place)}
    names = {n.split(".")[0] for n in own if n.count(".")} - {"mapping", "synthesis"}
    if {"superresolution", "renderer"} & names or place.endswith("backbone."):
        raise Damaged("it is an EG3D generator, not a StyleGAN2 or StyleGAN3")
    if any(n.startswith("mapping.embed_proj.") for n in own):
        raise Damaged("it is a StyleGAN-XL generator with classes, not a StyleGAN2 or StyleGAN3")
    tensors = {n: take(v, n) for n, v in own.items() if n.startswith(("mapping.", "synthesis."))}
    if "synthesis.input.weight" in tensors:
        return Found(*_stylegan3(tensors), (_BANDS,))
    labels = {match[1] for name in tensors if (match := _BLOCK.fullmatch(name))}
    tensors = block_names(labels, tensors)[1]
    settings = settings_of_shapes(
        tensors,
        conv_clamp=_CLAMP,
        resample_filter=taps_of(tensors, "synthesis.b4.resample_filter"),
    )
    return Found(settings, tensors, (_ASSUMED,))


def _stylegan3(tensors: dict[str, Tensor]) -> tuple[StyleGAN3Settings, dict[str, Tensor]]:
    # Some leave out how the user last moved the image.
    tensors = {"synthesis.input.transform": torch.eye(3), **tensors}
    found = [match for name in tensors if (match := _LAYER.fullmatch(name))]
    layers = sorted(found, key=lambda match: int(match[2]))
    if len(layers) < 2 or [int(m[2]) for m in layers] != list(range(len(layers))):
        raise Damaged(f"it has {len(layers)} layers")
    widths, mapping = mapping_of_shapes(tensors)
    side = int(layers[-1][3])
    is_radial = any(n.endswith("down_filter") and t.ndim == 2 for n, t in tensors.items())
    plain = StyleGAN3Settings(
        **widths,
        img_resolution=side,
        img_channels=int(layers[-1][4]),
        mapping=mapping,
        num_layers=len(layers) - 1,
        conv_kernel=shape_of(tensors, f"synthesis.{layers[0][1]}.weight", 4)[3],
        use_radial_filters=is_radial,
        conv_clamp=int(_CLAMP),
    )
    told = [(int(m[3]), int(m[4])) for m in layers]
    if [size for size, _ in told] != [signal.size[0] for signal in signals(plain)]:
        raise Damaged("its layers have other sizes than in NVIDIA's networks; only its .pkl tells")
    settings = dataclasses.replace(
        plain,
        signals=tuple(
            dataclasses.replace(signal, channels=channels)
            for signal, (_, channels) in zip(signals(plain), told, strict=True)
        ),
    )
    for base, most in _RULES:
        ruled = dataclasses.replace(plain, channel_base=base, channel_max=most)
        if [signal.channels for signal in signals(ruled)] == [channels for _, channels in told]:
            settings = ruled
    _check_filters(settings, tensors)
    return settings, tensors


def _check_filters(settings: StyleGAN3Settings, tensors: Mapping[str, Tensor]) -> None:
    """Refuse a network whose filters show that it has other bands than were assumed."""
    with torch.device("meta"), drawing_weights(0):
        buffers = dict(Synthesis3(settings).named_buffers())
    for name, ours in buffers.items():
        theirs = tensors.get(f"synthesis.{name}")
        if not name.endswith("_filter") or theirs is None:
            continue
        if theirs.shape != ours.shape or not torch.allclose(theirs, ours, atol=1e-4):
            raise Damaged(
                "its layers have other frequencies than in NVIDIA's networks; only its .pkl tells"
            )
