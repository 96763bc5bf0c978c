"""Writes networks of ours in the layout of NVIDIA's TensorFlow pickles."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import StyleGAN2Settings


class Network:
    """Stands for ``dnnlib.tflib.network.Network``."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def dump_tensorflow(path: Path, value: Any, *, protocol: int = 3) -> Path:
    """Pickle ``value``; any ``Network`` in it has the name of NVIDIA's class."""
    names = ["dnnlib", "dnnlib.tflib", "dnnlib.tflib.network"]
    modules = {name: types.ModuleType(name) for name in names}
    modules[names[-1]].Network = Network  # type: ignore[attr-defined]
    before = Network.__module__
    sys.modules.update(modules)
    Network.__module__ = names[-1]
    try:
        path.write_bytes(pickle.dumps(value, protocol=protocol))
    finally:
        Network.__module__ = before
        for name in names:
            del sys.modules[name]
    return path


def as_tensorflow(network: StyleGAN, *, version: int = 4, by_detail: bool = False) -> Network:
    """The averaged generator ``Gs`` that holds what ``network`` does.

    Args:
        by_detail: name the colours by their level of detail, as the oldest ones do.
    """
    settings = network.network_settings
    assert isinstance(settings, StyleGAN2Settings)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    mapping, synthesis = [], []
    for i in range(settings.mapping.num_layers):
        mapping += _dense(f"Dense{i}", tensors, f"mapping.fc{i}")
    if settings.c_dim:
        mapping += _dense("LabelEmbed", tensors, "mapping.embed")
    synthesis.append(("4x4/Const/const", tensors["synthesis.b4.const"][None]))
    for index, r in enumerate(settings.resolutions):
        names = {"conv1": "Conv" if r == 4 else "Conv1", "conv0": "Conv0_up", "torgb": "ToRGB"}
        for ours, theirs in names.items():
            place = f"synthesis.b{r}.{ours}"
            if f"{place}.weight" not in tensors:
                continue
            folder = f"{r}x{r}/{theirs}"
            if ours == "torgb" and by_detail:
                folder = f"ToRGB_lod{len(settings.resolutions) - 1 - index}"
            synthesis += _convolution(folder, tensors, place, turned=ours == "conv0")
            if f"{place}.noise_const" in tensors:
                number = 2 * index - (ours == "conv0")
                noise = tensors[f"{place}.noise_const"][None, None]
                synthesis.append((f"noise{number}", noise))
                strength = np.float32(tensors[f"{place}.noise_strength"])
                synthesis.append((f"{folder}/noise_strength", strength))
        if f"synthesis.b{r}.skip.weight" in tensors:
            skip = tensors[f"synthesis.b{r}.skip.weight"].transpose(2, 3, 1, 0)[::-1, ::-1]
            synthesis.append((f"{r}x{r}/Skip/weight", np.ascontiguousarray(skip)))
    kwargs = {
        "resolution": settings.img_resolution,
        "label_size": settings.c_dim,
        "num_channels": settings.img_channels,
        "latent_size": settings.z_dim,
        "conv_clamp": settings.conv_clamp,
        "architecture": settings.architecture,
        "resample_kernel": list(settings.resample_filter),
        "use_noise": settings.use_noise,
        "nonlinearity": settings.activation,
        "mapping_nonlinearity": settings.mapping.activation,
        "mapping_lrmul": settings.mapping.lr_multiplier,
        "truncation_psi": 0.5,
    }
    if by_detail:
        del kwargs["architecture"]
        synthesis.append(("lod", np.float32(0)))
    own = [("lod", np.float32(0))]
    if settings.mapping.has_average:
        own.append(("dlatent_avg", tensors["mapping.w_avg"]))
    components = {
        "mapping": _network("G_mapping", mapping, {}, {}, version),
        "synthesis": _network("G_synthesis", synthesis, {}, {}, version),
    }
    return _network("Gs", own, kwargs, components, version)


def _network(
    name: str,
    variables: list[tuple[str, Any]],
    kwargs: dict[str, Any],
    components: dict[str, Network],
    version: int,
) -> Network:
    return Network(
        {
            "version": version,
            "name": name,
            "static_kwargs": kwargs,
            "components": components,
            "build_module_src": "raise SystemExit",
            "build_func_name": "G_main",
            "variables": variables,
        }
    )


def _dense(theirs: str, tensors: dict[str, Any], ours: str) -> list[tuple[str, Any]]:
    return [
        (f"{theirs}/weight", np.ascontiguousarray(tensors[f"{ours}.weight"].T)),
        (f"{theirs}/bias", tensors[f"{ours}.bias"]),
    ]


def _convolution(
    theirs: str, tensors: dict[str, Any], ours: str, *, turned: bool
) -> list[tuple[str, Any]]:
    weight = tensors[f"{ours}.weight"].transpose(2, 3, 1, 0)
    if turned:
        weight = weight[::-1, ::-1]
    return [
        (f"{theirs}/weight", np.ascontiguousarray(weight)),
        (f"{theirs}/mod_weight", np.ascontiguousarray(tensors[f"{ours}.affine.weight"].T)),
        (f"{theirs}/mod_bias", tensors[f"{ours}.affine.bias"] - 1),
        (f"{theirs}/bias", tensors[f"{ours}.bias"]),
    ]
