"""Writes networks of ours as NVIDIA's code pickles its own, so that more of them can be tried."""

from __future__ import annotations

import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import StyleGAN2Settings
from c2l_stylegan.networks.stylegan3 import signals

_SOURCE = "# " + "x" * 70_000  # one text, stored once however many objects refer to it


class Persistent:
    """An object that is pickled as a call of NVIDIA's ``_reconstruct_persistent_obj``."""

    def __init__(self, class_name: str, state: dict[str, Any]) -> None:
        self.meta = {
            "type": "class",
            "version": 6,
            "module_src": _SOURCE,
            "class_name": class_name,
            "state": state,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


@contextmanager
def nvidia_modules() -> Iterator[None]:
    """Lets pickle find the names that NVIDIA's files hold, for as long as one is written."""

    def _reconstruct_persistent_obj(meta: Any) -> None:
        raise AssertionError("a reader called this")

    module = types.ModuleType("torch_utils.persistence")
    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    parent = types.ModuleType("torch_utils")
    parent.persistence = module  # type: ignore[attr-defined]
    sys.modules.update({"torch_utils": parent, module.__name__: module})
    try:
        yield
    finally:
        del sys.modules["torch_utils"], sys.modules[module.__name__]


def dump(path: Path, value: Any, *, protocol: int = 4) -> Path:
    """Pickle ``value``, records and all."""
    with nvidia_modules():
        path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


def record(network: StyleGAN, *, kwargs: dict[str, Any] | None = None) -> Persistent:
    """A network as a record, with the attributes that the official code gives each layer."""
    settings = network.network_settings
    is_sg2 = isinstance(settings, StyleGAN2Settings)
    attributes = _stylegan2(network) if is_sg2 else _stylegan3(network)
    attributes.setdefault("synthesis", {})["_init_kwargs"] = kwargs or {}
    for i in range(settings.mapping.num_layers):
        attributes[f"mapping.fc{i}"] = {
            "activation": settings.mapping.activation,
            "bias_gain": settings.mapping.lr_multiplier,
        }
    attributes[""] = {
        name: getattr(settings, name)
        for name in ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")
    }
    return _record(network.state_dict(keep_vars=True), attributes, "")


def _record(tensors: dict[str, Any], attributes: dict[str, Any], place: str) -> Persistent:
    inside = {
        n.removeprefix(f"{place}." if place else ""): t
        for n, t in tensors.items()
        if not place or n.startswith(f"{place}.")
    }
    own = {name: tensor for name, tensor in inside.items() if "." not in name}
    children = dict.fromkeys(name.split(".")[0] for name in inside if "." in name)
    state = {
        "training": False,
        "_parameters": {n: t for n, t in own.items() if isinstance(t, torch.nn.Parameter)},
        "_buffers": {n: t for n, t in own.items() if not isinstance(t, torch.nn.Parameter)},
        "_non_persistent_buffers_set": set(),
        "_modules": {
            name: _record(tensors, attributes, f"{place}.{name}" if place else name)
            for name in children
        },
        **attributes.get(place, {}),
    }
    leaf = place.rpartition(".")[2]
    classes = {"": "Generator", "torgb": "ToRGBLayer", "input": "SynthesisInput"}
    return Persistent(classes.get(leaf, "SynthesisLayer"), state)


def _stylegan2(network: StyleGAN) -> dict[str, dict[str, Any]]:
    settings = network.network_settings
    assert isinstance(settings, StyleGAN2Settings)
    found: dict[str, dict[str, Any]] = {}
    for r in settings.resolutions:
        block = f"synthesis.b{r}"
        found[block] = {"architecture": settings.architecture, "resolution": r}
        layer = {"conv_clamp": settings.conv_clamp, "use_noise": settings.use_noise}
        for name in ("conv0", "conv1"):
            found[f"{block}.{name}"] = {**layer, "activation": settings.activation}
        found[f"{block}.torgb"] = {"conv_clamp": settings.conv_clamp}
    return found


def _stylegan3(network: StyleGAN) -> dict[str, dict[str, Any]]:
    settings = network.network_settings
    stages = signals(settings)  # type: ignore[arg-type]
    names = [name for name, _ in network.synthesis.named_children() if name != "input"]
    found: dict[str, dict[str, Any]] = {
        "synthesis": {
            "layer_names": names,
            "margin_size": settings.margin_size,
            "output_scale": settings.output_scale,
        }
    }
    for i, name in enumerate(names):
        before, after = stages[max(i - 1, 0)], stages[i]
        colours = i == settings.num_layers
        over = 1 if colours else settings.lrelu_upsampling
        rate = max(before.sampling_rate, after.sampling_rate) * over
        up, down = rate // before.sampling_rate, rate // after.sampling_rate
        critical = i >= settings.num_layers - settings.num_critical
        layer = {
            "is_torgb": colours,
            "is_critically_sampled": critical,
            "use_fp16": np.bool_(False),
            "tmp_sampling_rate": rate,
            "conv_kernel": 1 if colours else settings.conv_kernel,
            "conv_clamp": settings.conv_clamp,
            "up_factor": up,
            "up_taps": settings.filter_size * up if up > 1 and not colours else 1,
            "down_factor": down,
            "down_taps": settings.filter_size * down if down > 1 and not colours else 1,
            "down_radial": settings.use_radial_filters and not critical,
        }
        for side, stage in (("in", before), ("out", after)):
            layer[f"{side}_channels"] = stage.channels
            layer[f"{side}_size"] = np.asarray(stage.size[::-1])
            layer[f"{side}_sampling_rate"] = stage.sampling_rate
            layer[f"{side}_cutoff"] = np.float64(stage.cutoff)
            layer[f"{side}_half_width"] = np.float64(stage.half_width)
        found[f"synthesis.{name}"] = layer
    return found
