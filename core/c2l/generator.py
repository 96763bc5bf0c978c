"""The interface of image generators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from c2l.class_regions import ClassRegions
from c2l.classes import Classes
from c2l.errors import BadInput
from c2l.guard import Look
from c2l.looks import (
    look_at_drawn_latents,
    look_at_found_classes,
    look_at_image_size,
    look_at_latent_space,
    look_at_moved_latents,
    look_at_pictures,
)
from c2l.part import Part
from c2l.seeds import draw_normal as draw_normal  # where generators have always found it
from c2l_registry import Source
from c2l_registry.wording import a_type_of


@dataclass(frozen=True)
class LatentLayout:
    """How codes feed a generator's layers.

    Args:
        num_codes: K, the number of codes of one latent (1 for StyleGAN's w).
        width: D, the width of one code.
        repeats: K numbers, how many layers of the generator each code feeds; ``(18,)`` for w of
            a 1024 px StyleGAN2, eighteen ones for its w+, ``(4, 4, 10)`` for layer groups.
    """

    num_codes: int
    width: int
    repeats: tuple[int, ...]

    @property
    def num_layers(self) -> int:
        """How many layers of the generator take a code."""
        return sum(self.repeats)

    def expand(self, latents: Tensor, repeats: Sequence[int] | None = None) -> Tensor:
        """Repeat codes so that there is one for each layer.

        Args:
            latents: shape (B, K, D): K = 1, ``num_codes`` or ``num_layers``; any K with
                ``repeats``.
            repeats: how many layers each code feeds, K numbers that sum to ``num_layers``.
        Returns:
            shape (B, ``num_layers``, D).
        Raises:
            BadInput: the latents do not fit this space.
        """
        if latents.ndim != 3 or latents.shape[2] != self.width:
            raise BadInput(
                f"latents have shape (images, codes, {self.width}), not {tuple(latents.shape)}",
                field="latents",
            )
        num_codes, num_layers = latents.shape[1], self.num_layers
        if repeats is None:
            if num_codes in (1, num_layers):
                return latents.expand(-1, num_layers, -1)
            if num_codes != self.num_codes:
                fitting = ", ".join(str(n) for n in sorted({1, self.num_codes, num_layers}))
                raise BadInput(
                    f"{num_codes} codes do not fit a generator of {num_layers} layers",
                    hint=f"Give {fitting} codes, or say with `repeats` how many layers each feeds",
                    field="latents",
                )
            repeats = self.repeats
        elif len(repeats) != num_codes or sum(repeats) != num_layers or min(repeats) < 1:
            raise BadInput(
                f"repeats {tuple(repeats)} do not share {num_layers} layers among {num_codes} "
                "codes",
                hint=f"Give {num_codes} numbers that sum to {num_layers}",
                field="repeats",
            )
        times = torch.tensor(list(repeats), device=latents.device)
        return latents.repeat_interleave(times, dim=1, output_size=num_layers)


@dataclass(frozen=True)
class LatentSpace(LatentLayout):
    """The space in which a generator takes its latents, float32 tensors of shape (B, K, D).

    Args:
        num_codes, width, repeats: as in ``LatentLayout``.
        mean, std: statistics of ``sample_latents``, float32, shape (K, D).
    """

    mean: Tensor
    std: Tensor


class Generator(Part, ABC):
    """Latents to images. Differentiable if the network is; leaves global random state alone.

    A subclass implements ``load``, ``latent_space``, ``image_size``, ``sample_latents`` and
    ``synthesize``. Whatever else affects its pictures, besides its weights, goes into
    ``settings()``. A class-conditional one also has ``classes`` and ``sample_class_latents``.
    """

    classes: Classes | None = None
    """The classes that it can be told when it draws; None for a network without any. Their names
    come from the card, or from a text file beside the weights."""

    differentiable: bool = True
    """Whether gradients reach the latents; False for a network of another library, say."""

    _regions: tuple[str, ClassRegions] | None = None

    _looks: ClassVar[Mapping[str, Look | None]] = {
        **Part._looks,
        "save": None,
        "latent_space": look_at_latent_space,
        "image_size": look_at_image_size,
        "sample_latents": look_at_drawn_latents,
        "sample_class_latents": look_at_drawn_latents,
        "classes_of": look_at_found_classes,
        "in_classes": look_at_moved_latents,
        "synthesize": look_at_pictures,
    }

    @classmethod
    @abstractmethod
    def load(cls, source: Source) -> Self:
        """Read the generator that ``source`` names, on the CPU, in eval mode, its weights frozen.

        Raises:
            BadWeights: the file is truncated or is not of this kind.
        """

    @classmethod
    def describe(cls, path: Path) -> Mapping[str, Any]:
        """Family, sizes and parameters of the network in a file, JSON-able, without building it.

        Raises:
            BadWeights: the file is truncated or is not of this kind.
        """
        return {}

    def save(self, path: Path, *, half: bool = False) -> None:
        """Write the network to one ``.safetensors`` file that ``load`` reads.

        Args:
            half: store in float16 what can be rounded without visible change.
        Raises:
            BadInput: this kind has no file format of its own.
            NotWritable: the folder cannot be written.
        """
        raise BadInput(f"{a_type_of(self)} cannot be saved: this kind has no file format")

    def _facts(self) -> list[str]:
        height, width = self.image_size
        return [f"{width} x {height} px"]

    @property
    @abstractmethod
    def latent_space(self) -> LatentSpace:
        """The generator's own latent space, the one that ``sample_latents`` draws from."""

    def centres(self, latents: Tensor) -> Tensor:
        """Where truncation pulls latents to.

        Override this if each class has its own mean, or if latents contain the class, which
        truncation must not change.

        Args:
            latents: float32, shape (B, K, D).
        Returns:
            the same shape: the mean of the latent space in each row.
        """
        return self.latent_space.mean.to(latents).expand_as(latents)

    @property
    @abstractmethod
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""

    @abstractmethod
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw latents from the generator's own distribution.

        With classes, ``self.classes.draw`` picks the class of each seed.

        Args:
            seeds: B whole numbers from 0 to 2**64 - 1; row i depends only on ``seeds[i]``.
        Returns:
            float32, shape (B, K, D), on the generator's device.
        """

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        """Draw latents of given classes, as ``sample_latents`` does once it has picked classes.

        Args:
            seeds: as in ``sample_latents``.
            classes: B numbers; row i depends only on ``seeds[i]`` and ``classes[i]``.
        Returns:
            as ``sample_latents``.
        Raises:
            BadInput: there is no such class, or no classes at all.
        """
        raise self._without_classes()

    def classes_of(self, latents: Tensor) -> Tensor:
        """The class of each latent.

        Override this and ``in_classes`` if latents contain the class. By default, the class is
        inferred from random latents of each class, which are drawn at the first call.

        Args:
            latents: float32, shape (B, K, D), as in ``synthesize``.
        Returns:
            int64, shape (B,), on the device of the latents.
        Raises:
            BadInput: it has no classes.
        """
        return self._class_regions(latents).classes_of(latents.cpu()).to(latents.device)

    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        """The nearest latents of given classes; those already of their class stay as they are.

        Args:
            latents: float32, shape (B, K, D), as in ``synthesize``.
            classes: B numbers.
        Returns:
            as ``latents``; ``classes_of`` gives ``classes`` for them.
        Raises:
            BadInput: there is no such class, or no classes at all.
        """
        regions = self._class_regions(latents)
        assert self.classes is not None
        numbers = torch.tensor([self.classes.number(number) for number in classes])
        return regions.moved(latents.cpu(), numbers).to(latents.device)

    def _class_regions(self, latents: Tensor) -> ClassRegions:
        """Of these weights, for codes of these latents."""
        if self.classes is None:
            raise self._without_classes()
        if self._regions is None or self._regions[0] != self.fingerprint():
            with torch.inference_mode(False), torch.no_grad():
                regions = ClassRegions(self.sample_class_latents, self.classes.num)
            self._regions = self.fingerprint(), regions
        num_codes, given = self._regions[1].means.shape[0], latents.shape[1]
        if num_codes not in (1, given):
            raise BadInput(
                f"the class of {given} codes is not known where classes have {num_codes}",
                hint="Leave out `class_label`",
                field="class_label",
            )
        return self._regions[1]

    def _without_classes(self) -> BadInput:
        return BadInput(
            f"{self.reference or type(self).__name__} has no classes",
            hint="Leave out `class_label`",
            field="class_label",
        )

    @abstractmethod
    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        """Render latents to images.

        Args:
            latents: float32, shape (B, K, D), in this generator's latent space: K = 1, K = the
                number of layers, or layer groups with ``repeats``.
            truncation: pulls the latents towards their mean: 1 leaves them, 0 gives the mean image.
            repeats: for layer groups, K numbers that sum to the number of layers.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1]; the network may overshoot a little.
        Raises:
            BadInput: the latents do not fit the latent space.
        """
