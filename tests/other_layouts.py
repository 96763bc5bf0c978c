"""Writes StyleGAN2s of ours under the names of other repositories, to try their files.

The tables were written from those repositories' own modules, not from our reader's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings

State = dict[str, Tensor]


def small(size: tuple[int, int] = (4, 4), **changes: Any) -> StyleGAN:
    """A StyleGAN2 of 16 px with random weights, its noise and biases among them."""
    settings = {
        **{"z_dim": 24, "c_dim": 0, "w_dim": 24, "img_resolution": 16, "img_channels": 3},
        "mapping": MappingSettings(num_layers=3),
        "channels": {4: 12, 8: 10, 16: 6},
        "const_size": size,
        **changes,
    }
    network = StyleGAN.initialised(StyleGAN2Settings(**settings), seed=5)
    draw = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith(("bias", "noise_strength", "w_avg")):
                tensor += torch.randn(tensor.shape, generator=draw) * 0.2
    return network.eval().requires_grad_(False)


class Net(torch.nn.Module):
    """A network of somebody's own class, as a script would have it."""

    def __init__(self, state: State) -> None:
        super().__init__()
        for name, tensor in state.items():
            owner: torch.nn.Module = self
            *places, leaf = name.split(".")
            for place in places:
                if place not in owner._modules:
                    owner.add_module(place, torch.nn.Module())
                owner = owner._modules[place]  # type: ignore[assignment]
            owner.register_buffer(leaf, tensor.clone())


def rosinality(network: StyleGAN) -> State:
    """As ``Generator`` of rosinality's stylegan2-pytorch saves itself; the mean lies elsewhere."""
    state: State = {}
    for ours, tensor in network.state_dict().items():
        if m := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", ours):
            state[f"style.{int(m[1]) + 1}.{m[2]}"] = tensor
        elif ours == "synthesis.b4.const":
            state["input.input"] = tensor[None]
        elif m := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.+)", ours):
            block = int(m[1]).bit_length() - 3
            number = 2 * block - (m[2] == "conv0")
            module = "conv1" if number == 0 else f"convs.{number - 1}"
            if m[2] == "torgb":
                module = "to_rgb1" if block == 0 else f"to_rgbs.{block - 1}"
            shaped = {
                "weight": (f"{module}.conv.weight", tensor[None]),
                "affine.weight": (f"{module}.conv.modulation.weight", tensor),
                "affine.bias": (f"{module}.conv.modulation.bias", tensor),
                "bias": (f"{module}.activate.bias", tensor),
                "noise_strength": (f"{module}.noise.weight", tensor[None]),
                "noise_const": (f"noises.noise_{number}", tensor[None, None]),
            }
            if m[2] == "torgb":
                shaped["bias"] = f"{module}.bias", tensor.view(1, -1, 1, 1)
            if m[3] in shaped:
                name, value = shaped[m[3]]
                state[name] = value.clone()
    for j in range(len(network.network_settings.resolutions) - 1):
        state[f"convs.{2 * j}.conv.blur.kernel"] = _filter()
        state[f"to_rgbs.{j}.upsample.kernel"] = _filter()
    return state


def basicsr(network: StyleGAN) -> State:
    """As BasicSR saves: the names changed once more, the filters left out."""
    state: State = {}
    for name, tensor in rosinality(network).items():
        name = re.sub(r"^style\.", "style_mlp.", name)
        name = re.sub(r"^input\.input$", "constant_input.weight", name)
        name = re.sub(r"^noises\.noise_", "noises.noise", name)
        name = re.sub(r"^(to_rgb\w*(?:\.\d+)?)\.conv\.", r"\1.modulated_conv.", name)
        name = re.sub(r"^(conv\w*(?:\.\d+)?)\.conv\.", r"style_\1.modulated_conv.", name)
        name = re.sub(r"^(conv\w*(?:\.\d+)?)\.noise\.", r"style_\1.", name)
        name = re.sub(r"^(conv\w*(?:\.\d+)?)\.activate\.", r"style_\1.activate.", name)
        if not name.endswith("kernel"):
            state[name] = tensor
    return state


def mmgeneration(network: StyleGAN) -> State:
    """As mmgeneration saves, blue first; with classes, the mapping counts from zero."""
    first = 0 if network.network_settings.c_dim else 1
    state: State = {}
    for name, tensor in rosinality(network).items():
        if m := re.fullmatch(r"style\.(\d+)\.(\w+)", name):
            leaf = "linear.weight_orig" if m[2] == "weight" else "bias"
            name = f"style_mapping.{int(m[1]) - 1 + first}.{leaf}"
        name = re.sub(r"^input\.", "constant_input.", name)
        name = re.sub(r"^noises\.noise_", "injected_noise_", name)
        name = re.sub(r"\.noise\.weight$", ".noise_injector.weight", name)
        name = re.sub(r"\.modulation\.weight$", ".style_modulation.linear.weight_orig", name)
        name = re.sub(r"\.modulation\.bias$", ".style_modulation.bias", name)
        name = re.sub(
            r"(conv\w*(?:\.\d+)?|to_rgb\w*(?:\.\d+)?)\.conv\.weight$", r"\1.conv.weight_orig", name
        )
        if name.startswith("to_rgb") and name.endswith(".conv.weight_orig"):
            tensor = tensor.flip(1)
        if re.fullmatch(r"to_rgb\w*(\.\d+)?\.bias", name):
            tensor = tensor.flip(1)
        state[name] = tensor
    if first == 0:
        ours = network.state_dict()
        state["embed.linear.weight_orig"] = ours["mapping.embed.weight"]
        state["embed.bias"] = ours["mapping.embed.bias"]
        state["w_avg"] = ours["mapping.w_avg"]
    return state


def genforce(network: StyleGAN) -> State:
    """As genforce saves, which keeps the kernels and the biases of TensorFlow."""
    state: State = {}
    for ours, tensor in network.state_dict().items():
        if m := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", ours):
            state[f"mapping.dense{m[1]}.{m[2]}"] = tensor
        elif m := re.fullmatch(r"mapping\.embed\.(\w+)", ours):
            state[f"mapping.LabelEmbed.{m[1]}"] = tensor
        elif ours == "mapping.w_avg":
            state["truncation.w_avg"] = tensor
        elif ours == "synthesis.b4.const":
            state["synthesis.early_layer.const"] = tensor[None]
        elif m := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.+)", ours):
            block = int(m[1]).bit_length() - 3
            module = f"layer{2 * block - (m[2] == 'conv0')}"
            module = f"synthesis.output{block}" if m[2] == "torgb" else f"synthesis.{module}"
            if m[3] == "weight":
                state[f"{module}.weight"] = tensor.flip(2, 3) if m[2] == "conv0" else tensor
            elif m[3] == "affine.weight":
                state[f"{module}.style.weight"] = tensor
            elif m[3] == "affine.bias":
                state[f"{module}.style.bias"] = tensor - 1
            elif m[3] == "noise_const":
                state[f"{module}.noise"] = tensor[None, None]
            elif m[3] in ("bias", "noise_strength"):
                state[f"{module}.{m[3]}"] = tensor
            elif m[2] == "conv0":
                state[f"{module}.filter.kernel"] = _filter()[None, None]
    state["synthesis.upsample.kernel"] = _filter()[None, None]
    return state


def _filter() -> Tensor:
    taps = torch.tensor([1.0, 3, 3, 1])
    return torch.outer(taps, taps) / taps.sum() ** 2 * 4


LAYOUTS: dict[str, Callable[[StyleGAN], State]] = {
    "rosinality": rosinality,
    "basicsr": basicsr,
    "mmgeneration": mmgeneration,
    "genforce": genforce,
}
