"""What a model expects of its pictures, as ``preprocessor_config.json`` says it.

transformers prepares 8-bit pictures. Here tensors are prepared, on their device and so that
gradients pass, to the same numbers but for the rounding to 8 bits.
"""

# Letters: B batch, H and W height and width of the pictures as they come, h and w for the model.

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from torch import Tensor
from torch.nn import functional as F

from c2l.errors import BadWeights

FILE, COMMON_FILE = "preprocessor_config.json", "processor_config.json"
"""The second holds the settings of a tokenizer as well."""
INTERPOLATION = {2: "bilinear", 3: "bicubic"}
"""By the numbers that Pillow has for them."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize, crop the centre, normalise.

    Args:
        shortest: to which the shorter side is resized; None where ``size`` is met at once.
        size: h and w.
        interpolation: ``bilinear`` or ``bicubic``, both antialiased.
        mean, std: of the three channels, for values in [0, 1].
    """

    shortest: int | None
    size: tuple[int, int]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises ``BadWeights`` where a value is missing or unknown: a guess would be wrong."""
        try:
            path = folder / FILE
            if path.exists():
                return cls._taken_from(json.loads(path.read_text(encoding="utf-8")))
            path = folder / COMMON_FILE
            return cls._taken_from(json.loads(path.read_text(encoding="utf-8"))["image_processor"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else error
            raise BadWeights(
                f"{folder} does not say how its pictures are prepared: {reason}",
                hint=f"Add the {FILE} of the model",
            ) from error

    @classmethod
    def _taken_from(cls, raw: Mapping[str, Any]) -> Self:
        for step in ("do_resize", "do_rescale", "do_normalize"):
            if raw.get(step) is False:
                raise ValueError(f"{step} is false, which is not known here")
        if raw["resample"] not in INTERPOLATION:
            raise ValueError(f"resample is {raw['resample']}, which is not known here")
        mean, std = (tuple(map(float, raw[name])) for name in ("image_mean", "image_std"))
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError("image_mean and image_std are not those of three channels")
        if not abs(255 * float(raw.get("rescale_factor", 1 / 255)) - 1) < 1e-6:
            raise ValueError("rescale_factor is not 1 / 255")
        size = raw["size"]
        shortest = size if isinstance(size, int) else size.get("shortest_edge")
        if raw.get("do_center_crop"):
            size = raw["crop_size"]
            size = {"height": size, "width": size} if isinstance(size, int) else size
        elif shortest is not None:
            raise ValueError("pictures of any width are not known here")
        goal = int(size["height"]), int(size["width"])
        if min(*goal, shortest or 1) < 1 or max(goal) > (shortest or max(goal)):
            raise ValueError(f"a picture of {goal} px cannot be cut out")
        return cls(shortest, goal, INTERPOLATION[raw["resample"]], mean, std)

    def settings(self) -> dict[str, Any]:
        """JSON-able, for the fingerprint."""
        return json.loads(json.dumps(asdict(self)))

    def __call__(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [-1, 1], clamped, to what the model takes, (B, 3, h, w)."""
        pixels = (images.clamp(-1, 1) + 1) / 2
        if self.shortest is None:
            pixels = self._resized(pixels, self.size)
        else:
            height, width = pixels.shape[2:]
            short = min(height, width)
            goal = int(self.shortest * height / short), int(self.shortest * width / short)
            pixels = self._resized(pixels, goal)
        height, width = self.size
        top, left = (pixels.shape[2] - height) // 2, (pixels.shape[3] - width) // 2
        pixels = pixels[:, :, top : top + height, left : left + width]
        mean, std = (pixels.new_tensor(v)[:, None, None] for v in (self.mean, self.std))
        return (pixels - mean) / std

    def _resized(self, pixels: Tensor, goal: tuple[int, int]) -> Tensor:
        resized = F.interpolate(pixels, goal, mode=self.interpolation, antialias=True)
        return resized.clamp(0, 1)  # bicubic filters overshoot; pictures of 8 bits cannot
