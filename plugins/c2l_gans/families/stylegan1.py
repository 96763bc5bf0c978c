"""StyleGAN1 as a c2l generator."""

from __future__ import annotations

from torch import Tensor

from c2l_gans.files import stylegan1
from c2l_gans.mapped_latents import MappedLatents
from c2l_gans.networks.stylegan1 import StyleGAN1Network, StyleGAN1Settings


class StyleGAN1(MappedLatents):
    """The first StyleGAN (Karras et al. 2019). Where a file holds no noise maps, noise is fixed."""

    family = "StyleGAN1"
    settings_class = StyleGAN1Settings
    network_class = StyleGAN1Network
    reader = stylegan1

    network: StyleGAN1Network

    def _mapped(self, z: Tensor, classes: Tensor | None) -> Tensor:
        return self.network.mapping(z, classes)

    def _average(self) -> Tensor | None:
        return self.network.w_avg

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes)
        return images
