"""``config.json`` of an ``AutoencoderKL``: what its decoder is, and nothing that is ignored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from c2l.errors import BadWeights

HINT = "Give the folder of an AutoencoderKL, as its save_pretrained writes it"

ONLY = {
    "act_fn": "silu",
    "out_channels": 3,
    "shift_factor": None,
    "latents_mean": None,
    "latents_std": None,
}
"""Settings of diffusers that have one value here."""


@dataclass(frozen=True)
class DecoderConfig:
    """Those settings of diffusers that decide what the decoder computes.

    Args:
        channels: of a latent.
        widths: of the blocks, from the image inwards.
        num_resnets: of each block.
        groups: of all normalisations.
        attends: whether there is attention in the middle.
        projects: whether a convolution stands before the decoder.
        scaling: diffusion sees latents times this.
        size: of the images, in pixels.
    """

    channels: int
    widths: tuple[int, ...]
    num_resnets: int
    groups: int
    attends: bool
    projects: bool
    scaling: float
    size: int

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ``BadWeights`` where the decoder would not be the one that was trained."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw.get("_class_name") != "AutoencoderKL":
                raise ValueError(f"it describes {raw.get('_class_name')}, not AutoencoderKL")
            for name, value in ONLY.items():
                if raw.get(name, value) != value:
                    raise ValueError(f"{name} is {raw[name]}, which is not known here")
            if other := set(raw["up_block_types"]) - {"UpDecoderBlock2D"}:
                raise ValueError(f"blocks of type {min(other)} are not known here")
            return cls._taken_from(raw)
        except OSError as error:
            raise BadWeights(f"cannot read {path}: {error.strerror}", hint=HINT) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else error
            raise BadWeights(f"{path}: {reason}", hint=HINT) from error

    @classmethod
    def _taken_from(cls, raw: dict[str, Any]) -> Self:
        config = cls(
            channels=int(raw["latent_channels"]),
            widths=tuple(int(width) for width in raw["block_out_channels"]),
            num_resnets=int(raw["layers_per_block"]) + 1,
            groups=int(raw["norm_num_groups"]),
            attends=bool(raw.get("mid_block_add_attention", True)),
            projects=bool(raw.get("use_post_quant_conv", True)),
            scaling=float(raw["scaling_factor"]),
            size=int(raw["sample_size"]),
        )
        if not config.widths or min(*config.widths, config.channels, config.groups) < 1:
            raise ValueError("a size is below 1")
        if config.num_resnets < 1 or not config.scaling > 0:
            raise ValueError("layers_per_block or scaling_factor is not positive")
        if config.size < config.factor or config.size % config.factor:
            raise ValueError(f"sample_size is {config.size}, no multiple of {config.factor}")
        return config

    @property
    def factor(self) -> int:
        """How many pixels of an image, in one direction, a latent is wide."""
        return int(2 ** (len(self.widths) - 1))

    @property
    def side(self) -> int:
        """Height and width of the map of latents."""
        return self.size // self.factor
