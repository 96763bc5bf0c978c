"""EG3D's pickles: its TriPlaneGenerator, as training and NVIDIA's catalogue have it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged
from c2l_gans.files.found import Found, Take, averaged_module, is_pickle_with, pickle
from c2l_gans.networks.camera import Camera
from c2l_gans.networks.eg3d import EG3DSettings
from c2l_stylegan.shared import (
    Module,
    StyleGAN2Settings,
    child_of,
    clamp_of,
    convert_nvidia,
    number,
    real,
)

MARK = b"class TriPlaneGenerator"
"""In the source code that lies in each of its files, which is not read."""
_BLOCKS = ("block0", "block1")
_LAYERS = ("conv0", "conv1", "torgb")
_FOCAL = 4.2647
"""Of the pictures of FFHQ and AFHQ, whose cameras were estimated with it."""
_FOCALS = {(2.25, 3.3, 1.0): _FOCAL, (0.1, 2.6, 1.6): 1.7074}
"""Files do not say it; those of a published configuration are told by their rays and their box."""


def read(path: Path) -> Found[EG3DSettings]:
    """Read the generator of a pickle, the averaged one where there are several.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with pickle(path) as (root, take):
        return _convert(root, take)


def recognises(path: Path) -> bool:
    """Whether a file is such a pickle; looks only at its beginning."""
    return is_pickle_with(path, MARK)


def _convert(root: Any, take: Take) -> Found[EG3DSettings]:
    generator = averaged_module(root, "backbone", "decoder", "renderer", "superresolution")
    tensors = generator.tensors(take)
    base, painted = convert_nvidia(child_of(generator, "backbone"), _below(tensors, "backbone."))
    if not isinstance(base, StyleGAN2Settings):
        raise Damaged("its backbone is a StyleGAN3")
    told = _rendering(generator)
    decoder = _decoder(child_of(generator, "decoder"), _below(tensors, "decoder."))
    enlarging, enlarged = _enlarging(
        child_of(generator, "superresolution"), _below(tensors, "superresolution."), told
    )
    rays = real(told.get("ray_start")), real(told.get("ray_end")), real(told.get("box_warp"))
    settings = EG3DSettings(
        base=base,
        camera=_camera(told, _FOCALS.get(rays, _FOCAL)),
        told=0.0 if told.get("c_gen_conditioning_zero") else real(told.get("c_scale", 0)),
        axes=_axes(child_of(generator, "renderer"), take),
        box=rays[2],
        near=rays[0],
        far=rays[1],
        coarse=number(told.get("depth_resolution")),
        fine=number(told.get("depth_resolution_importance")),
        is_white=bool(told.get("white_back", False)),
        hidden=len(decoder["first.bias"]),
        features=len(decoder["last.bias"]) - 1,
        raw_side=number(generator.attribute("neural_rendering_resolution")),
        resolution=number(generator.attribute("img_resolution")),
        **enlarging,
    )
    parts = {
        **painted,
        **{f"decoder.{n}": tensor for n, tensor in decoder.items()},
        **{f"enlarging.{n}": tensor for n, tensor in enlarged.items()},
    }
    remark = f"its focal length is not in it; taken to be that of FFHQ, {_FOCAL}"
    return Found(settings, parts, () if rays in _FOCALS else (remark,))


def _rendering(generator: Module) -> dict[str, Any]:
    """The settings of its renderer, without any that this project's renderer cannot keep."""
    told = generator.attribute("rendering_kwargs")
    if not isinstance(told, dict):
        raise Damaged("it does not say how it renders")
    for name, usual in (
        ("clamp_mode", "softplus"),
        ("disparity_space_sampling", False),
        ("density_noise", 0),
    ):
        if (value := told.get(name, usual)) != usual:
            raise Damaged(f"its renderer has {name} {str(value)[:40]}, not {usual}")
    return told


def _camera(told: Mapping[str, Any], focal: float) -> Camera:
    pivot = told.get("avg_camera_pivot", [0, 0, 0])
    try:
        return Camera(told.get("avg_camera_radius", 2.7), focal, pivot)
    except ValueError as error:
        raise Damaged(f"its camera is not one: {error}") from error


def _axes(renderer: Module, take: Take) -> tuple[tuple[int, int], ...]:
    """Which axes of the world its planes lie along: two of them may lie along the same ones."""
    axes = take(renderer.state.get("plane_axes"), "plane_axes")
    if axes.shape != (3, 3, 3):
        raise Damaged(f"its planes have axes of shape {tuple(axes.shape)}")
    along = axes.argmax(dim=2)
    if not torch.equal(torch.eye(3)[along], axes) or (along.sort()[0] != torch.arange(3)).any():
        raise Damaged("its planes do not lie along the axes of its world")
    return tuple((int(plane[0]), int(plane[1])) for plane in along)


def _decoder(decoder: Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Its two layers, with their equalised learning rates multiplied in."""
    net = child_of(decoder, "net")
    folded = {}
    for theirs, ours in (("0", "first"), ("2", "last")):
        layer = child_of(net, theirs)
        for name, ndim in (("weight", 2), ("bias", 1)):
            tensor = tensors.get(f"net.{theirs}.{name}")
            if tensor is None or tensor.ndim != ndim:
                raise Damaged(f"its decoder has no {name} in layer {theirs}")
            folded[f"{ours}.{name}"] = tensor.float() * real(layer.attribute(f"{name}_gain"))
    return folded


def _enlarging(
    module: Module, tensors: dict[str, Tensor], told: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The settings and the tensors of its blocks of super-resolution."""
    if [name for name, _ in module.children()] != list(_BLOCKS):
        raise Damaged(f"its {module.class_name} does not enlarge in two blocks")
    layers = [child_of(child_of(module, b), n) for b in _BLOCKS for n in _LAYERS]
    noise = told.get("superresolution_noise_mode", "none") != "none"
    kept = {
        name: tensor
        for name, tensor in tensors.items()
        if name.startswith(_BLOCKS) and (noise or ".noise_" not in name)
    }
    widths = [kept.get(f"{block}.conv1.bias") for block in _BLOCKS]
    if any(width is None or width.ndim != 1 for width in widths):
        raise Damaged(f"its {module.class_name} has no conv1.bias")
    settings = {
        "input_side": number(module.attribute("input_resolution")),
        "antialias": bool(module.attribute("sr_antialias")),
        "widths": tuple(len(width) for width in widths if width is not None),
        "noise": noise,
        "clamp": clamp_of(layers),
    }
    return settings, kept


def _below(tensors: Mapping[str, Tensor], place: str) -> dict[str, Tensor]:
    return {n.removeprefix(place): t for n, t in tensors.items() if n.startswith(place)}
