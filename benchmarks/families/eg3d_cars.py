"""EG3D as of ShapeNet's cars: white around them, a camera that the mapping is not told.

With noise in the layers that enlarge, which an option of the training gives.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from families import eg3d
from families.eg3d import REPOSITORY, made, save

__all__ = ["FILE", "REPOSITORY", "draw", "save", "small", "usual"]

FILE = "shapenetcars128-64.pkl"
_CARS = {
    **{"ray_start": 0.1, "ray_end": 2.6, "box_warp": 1.6, "white_back": True},
    **{"avg_camera_radius": 1.7, "avg_camera_pivot": [0, 0, 0]},
    **{"depth_resolution": 64, "depth_resolution_importance": 64},
    **{"c_gen_conditioning_zero": True, "superresolution_noise_mode": "random"},
    "superresolution_module": "training.superresolution.SuperresolutionHybrid2X",
}


def small() -> nn.Module:
    # Fewer places along a ray, and more rays than what is enlarged has pixels.
    fewer = {"depth_resolution": 12, "depth_resolution_importance": 10, "decoder_lr_mul": 0.5}
    return made(128, 10, {**_CARS, **fewer}, narrow=True)


def usual() -> nn.Module:
    return made(128, 64, _CARS)


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    # The maps that are stored, in place of fresh ones.
    network.rendering_kwargs = {**network.rendering_kwargs, "superresolution_noise_mode": "const"}
    return eg3d.draw(network, ours, z, focal=1.7074)
