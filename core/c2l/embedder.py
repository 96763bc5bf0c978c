"""The interface of joint text and image embedders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor

from c2l.guard import Look
from c2l.looks import look_at_embeddings, look_at_reading, look_at_width
from c2l.part import Part
from c2l_registry import Source


@dataclass(frozen=True)
class TextReading:
    """How the text tower reads a prompt.

    Args:
        cut: the end of the prompt that does not fit the tower's context, empty if all of it fits.
        unknown: words that the tower has never seen, in the order of the prompt.
    """

    cut: str = ""
    unknown: tuple[str, ...] = ()


class Embedder(Part, ABC):
    """Texts and images to one embedding space, not normalised.

    A subclass implements ``load``, ``width``, ``embed_text``, ``embed_images`` and ``settings``,
    which must describe the preprocessing, since embeddings depend on it.
    """

    differentiable: bool = True
    """Whether gradients reach the pictures; False for a network of another library, say."""

    _looks: ClassVar[Mapping[str, Look | None]] = {
        **Part._looks,
        "width": look_at_width,
        "embed_text": look_at_embeddings,
        "embed_images": look_at_embeddings,
        "read_text": look_at_reading,
    }

    @classmethod
    @abstractmethod
    def load(cls, source: Source) -> Self:
        """Read the embedder that ``source`` names, on the CPU, in eval mode, its weights frozen.

        Raises:
            BadWeights: the file is truncated or is not of this kind.
        """

    @property
    @abstractmethod
    def width(self) -> int:
        """E, the width of an embedding."""

    def _facts(self) -> list[str]:
        return [f"{self.width} wide"]

    @abstractmethod
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        """Embed prompts.

        Args:
            prompts: B texts of any length, in any script, even empty ones. Long ones are cut.
        Returns:
            float32, shape (B, E), not normalised and never zero, on the embedder's device.
        """

    @abstractmethod
    def embed_images(self, images: Tensor) -> Tensor:
        """Embed images.

        Args:
            images: float32, shape (B, 3, H, W), range [-1, 1] (clamped), any H and W.
        Returns:
            float32, shape (B, E), not normalised and never zero, on the embedder's device.
        """

    def read_text(self, prompt: str) -> TextReading:
        """The parts of a prompt that the text tower cannot read. By default, none."""
        return TextReading()
