"""EG3D as a c2l generator."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from c2l.errors import BadInput
from c2l_gans.files import eg3d
from c2l_gans.files.camera_file import read_camera
from c2l_gans.files.found import Found
from c2l_gans.mapped_latents import MappedLatents
from c2l_gans.networks.eg3d import EG3DNetwork, EG3DSettings


class EG3D(MappedLatents):
    """EG3D (Chan et al. 2022), seen from the front unless told otherwise.

    Its latents are those of a frontal camera wherever a picture is taken from: one latent is the
    same thing from all sides.
    """

    family = "EG3D"
    settings_class = EG3DSettings
    network_class = EG3DNetwork
    reader = eg3d

    network: EG3DNetwork

    @classmethod
    def _found(cls, path: Path, *, values: bool) -> Found[Any]:
        found = super()._found(path, values=values)
        camera = read_camera(path, found.settings.camera)
        settings = dataclasses.replace(found.settings, camera=camera)
        return dataclasses.replace(found, settings=settings)

    def synthesize(
        self,
        latents: Tensor,
        *,
        truncation: float = 1.0,
        repeats: Sequence[int] | None = None,
        camera: Mapping[str, Any] | None = None,
    ) -> Tensor:
        """Draw the images of latents. Differentiable in the latents and in the weights.

        Args:
            latents, truncation, repeats: as in ``GAN``.
            camera: how it differs from the network's own, as in ``{"yaw": 30, "pitch": -10}``:
                any of ``yaw``, ``pitch``, ``distance``, ``focal`` and ``pivot``.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1] up to overshoot.
        Raises:
            BadInput: the latents do not fit the latent space, or there is no such camera.
        """
        try:
            chosen = self.network_settings.camera.moved(camera or {})
        except ValueError as error:
            raise BadInput(str(error), field="camera") from error
        images: Tensor = self.network(self._codes(latents, truncation, repeats), chosen)
        return images

    def _sizes(self) -> Mapping[str, Any]:
        camera = self.network_settings.camera
        seen = f"yaw {camera.yaw:g}, pitch {camera.pitch:g}, focal length {camera.focal:g}"
        return {**super()._sizes(), "camera": seen}

    def _mapped(self, z: Tensor, classes: Tensor | None) -> Tensor:
        return self.network.mapped(z)

    def _average(self) -> Tensor | None:
        return self.network.mapping.w_avg

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes, self.network_settings.camera)
        return images
