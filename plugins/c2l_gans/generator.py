"""What all families have in common: their files, and how latents become pictures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

import c2l
from c2l.errors import BadWeights
from c2l.reading import refuse_stand_in, unfilled
from c2l_gans.files import own
from c2l_gans.files.found import Found
from c2l_gans.networks.settings import NetworkSettings
from c2l_stylegan.shared import as_rgb, check_noise, fill, misfits


class Reader(Protocol):
    """A module of ``files``: reads what the official code of a family wrote."""

    def read(self, path: Path) -> Found[Any]:
        """The network in a file."""

    def recognises(self, path: Path) -> bool:
        """Whether a file is one for ``read``; looks at its beginning alone."""


class GAN(c2l.Generator):
    """A generator of one of the families; each is a class with these variables.

    Attributes:
        family: its name in files and in ``describe``.
        settings_class: what decides a network besides its weights.
        network_class: the network, made of such settings.
        reader: the module that reads files of the official code.
        network_settings: those of this network.
    """

    family: ClassVar[str]
    settings_class: ClassVar[type[NetworkSettings]]
    network_class: ClassVar[type[nn.Module]]
    reader: Reader

    network_settings: Any

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.network_settings = settings
        self.network: Any = type(self).network_class(settings)

    # ------------------------------------------------------------------ files

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read a network, on the CPU, in eval mode, with frozen weights.

        Args:
            source: its path is a ``.safetensors`` file written by ``save``, or one that the
                official code of the family wrote. Nothing in a file is ever executed.
        Raises:
            BadWeights: the file is damaged, is another network, or contains executable content.
        """
        if source.path is None:
            raise BadWeights(f"a {cls.family} needs a file", hint="Name one, as in KIND:./FILE")
        found = cls._found(source.path, values=True)
        part = cls._without_memory(found, source.path)
        part.remarks, tensors = found.remarks, dict(found.tensors)
        del found  # so that each tensor is free once it is copied
        fill(part.network, tensors)
        return part.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``load`` would understand the file; reads only its beginning."""
        if not path.is_file():
            return False
        return own.is_of_family(path, cls.family) or cls.reader.recognises(path)

    @classmethod
    def describe(cls, path: Path) -> Mapping[str, Any]:
        """Family, sizes and number of parameters of the network in a file.

        Raises:
            BadWeights: as ``load``.
        """
        found = cls._found(path, values=False)
        part = cls._without_memory(found, path)
        height, width = part.image_size
        return {
            "family": cls.family,
            "resolution": max(height, width),
            "height": height,
            "width": width,
            **part._sizes(),
            "parameters": sum(parameter.numel() for parameter in part.parameters()),
            **({"remarks": "; ".join(found.remarks)} if found.remarks else {}),
        }

    def save(self, path: Path, *, half: bool = False) -> None:
        """Write the network to one ``.safetensors`` file that ``load`` reads.

        Args:
            half: store the convolutions in float16, for half the size.
        Raises:
            NotWritable: the folder cannot be written.
        """
        settings = self.network_settings.to_dict()
        own.write(Path(path), self.family, settings, self.network.state_dict(), half=half)

    def settings(self) -> Mapping[str, Any]:
        """The family and its settings, JSON-able."""
        return {"family": self.family, **self.network_settings.to_dict()}

    def _sizes(self) -> Mapping[str, Any]:
        """Widths and numbers that ``describe`` tells: ``z_dim``, ``classes`` and the like."""
        return {"z_dim": self._layout.width, "classes": 0}

    @classmethod
    def _found(cls, path: Path, *, values: bool) -> Found[Any]:
        if not path.is_file():
            raise BadWeights(f"there is no file {path}", hint="Check the path")
        refuse_stand_in(path)
        if path.suffix == ".safetensors":
            told, tensors = own.read(path, values=values)
            return Found(cls.settings_class.from_dict(told), tensors)
        return cls.reader.read(path)

    @classmethod
    def _without_memory(cls, found: Found[Any], path: Path) -> Self:
        """A network on the device "meta", whose names and shapes are those of the tensors."""
        with unfilled():
            part = cls(found.settings)
        if wrong := misfits(part.network.state_dict(), found.tensors):
            raise BadWeights(
                f"{path} is not a {cls.family} as its other tensors say: {wrong}",
                hint="docs/files.md lists what opens",
            )
        return part

    # ------------------------------------------------------------------ pictures

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        size: tuple[int, int] = self.network_settings.image_size
        return size

    @property
    @abstractmethod
    def _layout(self) -> c2l.LatentLayout:
        """The latent space without its statistics."""

    @abstractmethod
    def _draw(self, codes: Tensor) -> Tensor:
        """Codes, float32 (B, layers, D), to images (B, 1 to 4 channels, H, W)."""

    def synthesize(
        self,
        latents: Tensor,
        *,
        truncation: float = 1.0,
        repeats: Sequence[int] | None = None,
    ) -> Tensor:
        """Draw the images of latents. Differentiable in the latents and in the weights.

        Args:
            latents: float32, shape (B, K, D), K as in ``latent_space``, or any K with ``repeats``.
            truncation: pulls the latents towards their ``centres``: 1 leaves them, 0 gives the
                mean image.
            repeats: for layer groups, K numbers that sum to the number of layers.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1] up to overshoot. Grey is repeated; what is
            not a colour is left out.
        Raises:
            BadInput: the latents do not fit the latent space.
        """
        return as_rgb(self._draw(self._codes(latents, truncation, repeats)))

    def _codes(self, latents: Tensor, truncation: float, repeats: Sequence[int] | None) -> Tensor:
        """What the layers take of latents: float32 (B, layers, D)."""
        codes = self._layout.expand(latents.to(self.device, torch.float32), repeats)
        return codes if truncation == 1 else self.centres(codes).lerp(codes, truncation)


class NormalLatents(GAN):
    """Base of families whose latent is standard normal noise, one code for the whole network."""

    @property
    def _layout(self) -> c2l.LatentLayout:
        return c2l.LatentLayout(1, self.network_settings.z_dim, (1,))

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """The noise itself: mean 0, deviation 1."""
        width = self._layout.width
        mean = torch.zeros(1, width, device=self.device)
        return c2l.LatentSpace(1, width, (1,), mean, torch.ones_like(mean))

    def map(self, z: Tensor) -> Tensor:
        """Noise, float32 (B, z_dim), as latents (B, 1, z_dim).

        Raises:
            BadInput: the shape does not fit.
        """
        return check_noise(z, self._layout.width).to(self.device, torch.float32)[:, None]

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw noise.

        Args:
            seeds: B whole numbers from 0 to 2**64 - 1; row i depends on ``seeds[i]`` alone.
        Returns:
            float32, shape (B, 1, z_dim).
        Raises:
            BadInput: a seed is out of range.
        """
        return self.map(c2l.draw_normal(seeds, self._layout.width))
