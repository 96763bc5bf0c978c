"""What an image tower expects of its images; belongs to the weights, not to the architecture.

Legend: B batch, H and W height and width of the images as they come, h and w those of the tower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from c2l.errors import BadWeights

_INTERPOLATIONS = ("bicubic", "bilinear")
_RESIZE_MODES = ("shortest", "longest", "squash")


@dataclass(frozen=True)
class Preprocessing:
    """Resize, then normalise once. Runs on the images' device and is differentiable.

    Args:
        size: h and w, in pixels.
        mean, std: of the three channels, for values in [0, 1].
        interpolation: ``bicubic`` or ``bilinear``, both antialiased.
        resize_mode: ``shortest`` scales until the shorter side fits and crops the centre;
            ``longest`` scales until the longer side fits and pads; ``squash`` ignores the aspect.
        fill_color: grey value of the padding, 0 to 255.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    resize_mode: str
    fill_color: int = 0

    @classmethod
    def read(
        cls, config: Mapping[str, Any], size: int | tuple[int, int], name: str
    ) -> Preprocessing:
        """Take open_clip's ``preprocess_cfg``, all of it: a guess would give wrong embeddings.

        Args:
            config: ``mean``, ``std``, ``interpolation``, ``resize_mode``, perhaps ``fill_color``.
            size: of the image tower, which settles what it says about it.
            name: of the folder or model, for messages.
        Raises:
            BadWeights: a value is missing or unusable.
        """
        hint = (
            'Write "preprocess_cfg": {"mean": [r, g, b], "std": [r, g, b], "interpolation": '
            '"bicubic", "resize_mode": "shortest"} with the values the weights were trained with'
        )
        needed = ("mean", "std", "interpolation", "resize_mode")
        missing = [key for key in needed if config.get(key) in (None, "", [])]
        if missing:
            raise BadWeights(
                f"{name} does not say how its images are prepared: preprocess_cfg lacks "
                + ", ".join(missing),
                hint=hint,
            )
        height, width = (size, size) if isinstance(size, int) else size
        try:
            prepared = cls(
                size=(int(height), int(width)),
                mean=_three(config["mean"]),
                std=_three(config["std"]),
                interpolation=str(config["interpolation"]),
                resize_mode=str(config["resize_mode"]),
                fill_color=int(config.get("fill_color") or 0),
            )
        except (TypeError, ValueError) as error:
            raise BadWeights(f"{name}: preprocess_cfg: {error}", hint=hint) from error
        if prepared.interpolation not in _INTERPOLATIONS:
            raise BadWeights(
                f"{name}: preprocess_cfg: interpolation {prepared.interpolation!r} is not one of "
                + ", ".join(_INTERPOLATIONS),
                hint=hint,
            )
        if prepared.resize_mode not in _RESIZE_MODES:
            raise BadWeights(
                f"{name}: preprocess_cfg: resize_mode {prepared.resize_mode!r} is not one of "
                + ", ".join(_RESIZE_MODES),
                hint=hint,
            )
        if min(prepared.std) <= 0:
            raise BadWeights(f"{name}: preprocess_cfg: std must be above zero", hint=hint)
        return prepared

    def settings(self) -> dict[str, Any]:
        """JSON-able, for the embedder's settings."""
        return {**asdict(self), "size": list(self.size), "mean": [*self.mean], "std": [*self.std]}

    def __call__(self, images: Tensor) -> Tensor:
        """Prepare images for the tower.

        Args:
            images: float, shape (B, 3, H, W), range [-1, 1]; what overshoots is clamped.
        Returns:
            float of the same dtype, shape (B, 3, h, w), normalised.
        """
        pixels = self._fit((images.clamp(-1, 1) + 1) / 2)
        mean = pixels.new_tensor(self.mean).view(3, 1, 1)
        std = pixels.new_tensor(self.std).view(3, 1, 1)
        return (pixels - mean) / std

    def _fit(self, pixels: Tensor) -> Tensor:
        height, width = self.size
        if self.resize_mode == "squash":
            return self._resize(pixels, height, width)
        ratios = (pixels.shape[-2] / height, pixels.shape[-1] / width)
        if self.resize_mode == "longest":
            ratio = max(ratios)
            scaled = self._resize(pixels, *(max(1, round(n / ratio)) for n in pixels.shape[-2:]))
            top, left = (height - scaled.shape[-2]) // 2, (width - scaled.shape[-1]) // 2
            below, right = height - scaled.shape[-2] - top, width - scaled.shape[-1] - left
            return F.pad(scaled, (left, right, top, below), value=self.fill_color / 255)
        # The longer side is cut off, not rounded, where the tower is square, and rounded where it
        # is not: what torchvision and open_clip did when the weights were trained.
        ratio = min(ratios)
        if height == width:
            short = min(pixels.shape[-2:])
            goal = [int(height * n / short) for n in pixels.shape[-2:]]
        else:
            goal = [round(n / ratio) for n in pixels.shape[-2:]]
        scaled = self._resize(pixels, max(goal[0], height), max(goal[1], width))
        top = round((scaled.shape[-2] - height) / 2)
        left = round((scaled.shape[-1] - width) / 2)
        return scaled[..., top : top + height, left : left + width]

    def _resize(self, pixels: Tensor, height: int, width: int) -> Tensor:
        if tuple(pixels.shape[-2:]) == (height, width):
            return pixels
        resized = F.interpolate(pixels, (height, width), mode=self.interpolation, antialias=True)
        # Bicubic filters overshoot; 8-bit pictures, which the weights saw, cannot.
        return resized.clamp(0, 1) if self.interpolation == "bicubic" else resized


def _three(values: Any) -> tuple[float, float, float]:
    """One number for all channels, or one for each."""
    numbers = [float(v) for v in values] if isinstance(values, list | tuple) else [float(values)]
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:
        raise ValueError(f"{values!r} is not three numbers")
    return numbers[0], numbers[1], numbers[2]
