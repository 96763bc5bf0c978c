"""lucidrains' StyleGAN2 as a c2l generator."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from c2l_gans.files import lucidrains
from c2l_gans.mapped_latents import MappedLatents
from c2l_gans.networks.lucidrains import LucidrainsNetwork, LucidrainsSettings


class LucidrainsStyleGAN2(MappedLatents):
    """The StyleGAN2 of lucidrains' stylegan2-pytorch, with fixed noise."""

    family = "lucidrains StyleGAN2"
    settings_class = LucidrainsSettings
    network_class = LucidrainsNetwork
    reader = lucidrains

    def _mapped(self, z: Tensor, classes: Tensor | None) -> Tensor:
        network: Any = self.network
        w: Tensor = network.style(z)
        return w

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes)
        return images
