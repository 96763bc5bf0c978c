"""StyleGAN-XL as a c2l generator."""

from __future__ import annotations

from torch import Tensor

from c2l_gans.files import stylegan_xl
from c2l_gans.mapped_latents import MappedLatents
from c2l_gans.networks.stylegan_xl import XLNetwork, XLSettings


class StyleGANXL(MappedLatents):
    """StyleGAN-XL (Sauer et al. 2022), with or without classes, of any number of stages.

    Truncation pulls a latent to the mean of its own class, as in the official code: the mean of
    all classes is a picture of nothing.
    """

    family = "StyleGAN-XL"
    settings_class = XLSettings
    network_class = XLNetwork
    reader = stylegan_xl

    network: XLNetwork

    def _mapped(self, z: Tensor, classes: Tensor | None) -> Tensor:
        w: Tensor = self.network.mapping(z, classes)
        return w

    def centres(self, latents: Tensor) -> Tensor:
        """The mean that the network stores, with classes that of each latent's own."""
        means = self.network.mapping.w_avg
        own = means if self.classes is None else means[self.classes_of(latents)][:, None]
        return own.expand_as(latents)

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes)
        return images
