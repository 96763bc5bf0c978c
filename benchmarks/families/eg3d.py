"""EG3D of NVIDIA's code, as of its faces; what it draws at random is replaced as ours replaces it.

Its layers have widths and sides that stand in the code. For a small network they are divided here,
on the way to the official layers.
"""

from __future__ import annotations

import functools
import importlib
import math
import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "eg3d/eg3d"
FILE = "ffhq512-128.pkl"
FOCAL = 4.2647
SIDEWAYS = {"yaw": 25.0, "pitch": -10.0}
_FACES = {
    **{"ray_start": 2.25, "ray_end": 3.3, "box_warp": 1},
    **{"avg_camera_radius": 2.7, "avg_camera_pivot": [0, 0, 0.2]},
    **{"depth_resolution": 48, "depth_resolution_importance": 48},
    "superresolution_module": "training.superresolution.SuperresolutionHybrid8XDC",
}
_SMALLER = 8


def small() -> nn.Module:
    return made(512, 12, _FACES, narrow=True)


def usual() -> nn.Module:
    return made(512, 128, _FACES)


def save(network: nn.Module, path: Path) -> None:
    whole = {"G": network, "D": None, "G_ema": network, "augment_pipe": None}
    with path.open("wb") as file:
        pickle.dump({**whole, "training_set_kwargs": {}}, file)


def draw(network: Any, ours: Any, z: Tensor, focal: float = FOCAL) -> dict[str, Tensor]:
    ws = network.mapping(z, camera(network, focal).expand(len(z), -1))
    turned = camera(network, focal, **SIDEWAYS)
    with middles():
        label = camera(network, focal).expand(len(z), -1)
        images = network.synthesis(ws, label, noise_mode="const")["image"]
        if len(z) == 1:  # when it is timed
            return {"images": images, "latents": ws[:, :1]}
        other = network.synthesis(ws[:1], turned, noise_mode="const")["image"]
    return {"images": images, "latents": ws[:, :1], "turned": other[..., ::3, ::3]}


def camera(network: Any, focal: float, *, yaw: float = 0.0, pitch: float = 0.0) -> Tensor:
    """The official label of a camera; what its code calls pitch is not quite an angle."""
    sampler: Any = importlib.import_module("camera_utils").LookAtPoseSampler
    told = network.rendering_kwargs
    angles = math.radians(yaw), -math.sin(math.radians(pitch)) * math.pi / 2
    pose = sampler.sample(
        *(math.pi / 2 + angle for angle in angles),
        torch.tensor(told["avg_camera_pivot"]),
        radius=told["avg_camera_radius"],
    )
    lens = torch.tensor([focal, 0, 0.5, 0, focal, 0.5, 0, 0, 1])
    return torch.cat([pose.flatten(), lens])[None]


@contextmanager
def middles() -> Iterator[None]:
    """Within, each place that the renderer would draw at random is the middle of its share."""

    def shares(rays: int, num: int, **_: Any) -> Tensor:
        return ((torch.arange(num) + 0.5) / num).expand(rays, num)

    with (
        mock.patch("torch.rand_like", lambda x: torch.full_like(x, 0.5)),
        mock.patch("torch.rand", shares),
    ):
        yield


def made(side: int, raw_side: int, rendering: dict[str, Any], *, narrow: bool = False) -> nn.Module:
    """A network as ``train.py`` makes it.

    Args:
        side: of its pictures, an eighth of it if ``narrow``.
        raw_side: rays along each side.
        rendering: what it sets beyond what is the same for all data.
    """
    torch.manual_seed(0)
    triplane: Any = importlib.import_module("training.triplane")
    enlarging: Any = importlib.import_module("training.superresolution")
    told = {
        **{"clamp_mode": "softplus", "disparity_space_sampling": False, "sr_antialias": True},
        **{"c_gen_conditioning_zero": False, "c_scale": 1.0, "decoder_lr_mul": 1},
        **{"superresolution_noise_mode": "none", **rendering},
    }
    widths = {"channel_base": 512, "channel_max": 8} if narrow else {}
    with ExitStack() as stack:
        if narrow:
            plain = triplane.StyleGAN2Backbone
            smaller = functools.partial(_smaller_planes, plain)
            stack.enter_context(mock.patch.object(triplane, "StyleGAN2Backbone", smaller))
            for name in ("SynthesisBlock", "SynthesisBlockNoUp"):
                block = functools.partial(_narrower, getattr(enlarging, name))
                stack.enter_context(mock.patch.object(enlarging, name, block))
        network: Any = triplane.TriPlaneGenerator(
            z_dim=10 if narrow else 512,
            c_dim=25,
            w_dim=12 if narrow else 512,
            img_resolution=side,
            img_channels=3,
            sr_num_fp16_res=4,
            mapping_kwargs={"num_layers": 2},
            rendering_kwargs=told,
            conv_clamp=None,
            num_fp16_res=0,
            **widths,
        )
    network.neural_rendering_resolution = raw_side
    if narrow:
        network.img_resolution //= _SMALLER
        network.superresolution.input_resolution //= _SMALLER
    stir(network)
    focal = FOCAL if told["ray_start"] > 1 else 1.7074
    with torch.no_grad():
        label = camera(network, focal).expand(4096, -1)
        mean = network.mapping(torch.randn(4096, network.z_dim), label)[:, 0].mean(dim=0)
        network.backbone.mapping.w_avg.copy_(mean)
    return network  # type: ignore[no-any-return]


def _smaller_planes(plain: Any, *sizes: int, img_resolution: int, **settings: Any) -> nn.Module:
    made: nn.Module = plain(*sizes, img_resolution=img_resolution // 16, **settings)
    return made


def _narrower(
    block: Any, before: int, after: int, *, w_dim: int, resolution: int, **settings: Any
) -> nn.Module:
    widths = [width if width == 32 else width // 32 for width in (before, after)]
    made: nn.Module = block(*widths, w_dim=12, resolution=resolution // _SMALLER, **settings)
    return made
