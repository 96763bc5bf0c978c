"""StyleGAN-XL (Sauer et al. 2022, arXiv:2202.00273): a StyleGAN3 that is told a class.

Of the classes only vectors matter to the mapping: embeddings of a network that knows ImageNet,
projected and brought to a root mean square of one, which readers do once and for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.settings import CLASSES, NetworkSettings, Range
from c2l_stylegan.shared import FullyConnected, StyleGAN3Settings, Synthesis3, unit_rms


@dataclass(frozen=True)
class XLSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        base: as of a StyleGAN3 without classes.
        num_classes: 0 for a network without classes.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {"num_classes": CLASSES}

    base: StyleGAN3Settings
    num_classes: int

    @property
    def z_dim(self) -> int:
        """Width of the noise."""
        return self.base.z_dim

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.base.image_size

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what ``to_dict`` wrote.

        Raises:
            BadWeights: something is missing, unknown or out of range.
        """
        base = data.get("base") if isinstance(data, dict) else None
        if not isinstance(base, dict):
            raise BadWeights("the settings of the network lack base")
        return super().from_dict({**data, "base": StyleGAN3Settings.from_dict(base)})

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return {"base": self.base.to_dict(), "num_classes": self.num_classes}


class ClassMapping(nn.Module):
    """z, and a class where there are any, to w.

    Buffers:
        class_vectors: (classes, z_dim), of a root mean square of one.
        w_avg: the mean latent of each class, (classes, w_dim); without classes (w_dim,).
    """

    class_vectors: Tensor
    w_avg: Tensor

    def __init__(self, settings: XLSettings) -> None:
        super().__init__()
        base, num = settings.base, settings.num_classes
        mapping = base.mapping
        self.num_layers = mapping.num_layers
        between = mapping.layer_features or base.w_dim
        widths = [base.z_dim * (2 if num else 1), *[between] * (self.num_layers - 1), base.w_dim]
        for i in range(self.num_layers):
            layer = FullyConnected(
                widths[i],
                widths[i + 1],
                activation=mapping.activation,
                lr_multiplier=mapping.lr_multiplier,
            )
            self.add_module(f"fc{i}", layer)
        self.has_classes = num > 0
        if num:
            self.register_buffer("class_vectors", torch.empty(num, base.z_dim))
        self.register_buffer("w_avg", torch.empty((num, base.w_dim) if num else (base.w_dim,)))

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z (B, z_dim) and numbers of classes (B,), where there are any, to w (B, w_dim)."""
        x = unit_rms(z)
        if self.has_classes:
            assert classes is not None
            x = torch.cat([x, self.class_vectors[classes]], dim=1)
        for i in range(self.num_layers):
            x = getattr(self, f"fc{i}")(x)
        return x


class XLNetwork(nn.Module):
    """``mapping`` takes z to w, ``synthesis`` takes w to an image."""

    def __init__(self, settings: XLSettings) -> None:
        super().__init__()
        self.mapping = ClassMapping(settings)
        self.synthesis = Synthesis3(settings.base)
        self.num_ws, self.w_dim = self.synthesis.num_ws, settings.base.w_dim

    def forward(self, ws: Tensor) -> Tensor:
        """Codes (B, num_ws, w_dim) to images (B, channels, H, W)."""
        images: Tensor = self.synthesis(ws)
        return images
