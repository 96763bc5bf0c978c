"""The decoder behind c2l's interface: a code for each place of the map of latents."""

# Letters: B batch, K places of the map, D channels of a latent, h and w its height and width.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

import c2l
from c2l.errors import BadWeights
from c2l_vae.config import HINT, DecoderConfig
from c2l_vae.decoder import Decoder

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
PARTS = ("decoder.", "post_quant_conv.")

FORMER_NAMES = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}
"""Of the layers of attention, before diffusers 0.17; the files from then are still in use."""


class VAEDecoder(c2l.Generator):
    """Latents, as diffusion sees them, to images.

    A latent is K = h * w codes of width D, row by row. Each feeds one place, as a code of a
    StyleGAN feeds one layer: one code alone is repeated everywhere, and groups fill the map from
    its top left corner.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.post_quant_conv: nn.Module = nn.Identity()
        if config.projects:
            self.post_quant_conv = nn.Conv2d(config.channels, config.channels, 1)
        self.decoder = Decoder(
            config.channels,
            config.widths,
            config.num_resnets,
            config.groups,
            attends=config.attends,
        )

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read a folder that diffusers wrote.

        Raises:
            BadWeights: it holds another model, or the file is truncated.
        """
        folder = source.path
        assert folder is not None, "there are no named ones"
        config = DecoderConfig.read(folder / CONFIG)
        file = folder / WEIGHTS
        try:
            tensors = {_today(name): t.float() for name, t in load_file(file).items()}
            with torch.device("meta"):  # nothing is initialised, and no random number drawn
                network = cls(config)
            mine = {name: t for name, t in tensors.items() if name.startswith(PARTS)}
            network.load_state_dict(_linear(mine), assign=True)
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise BadWeights(f"{file} does not fit {CONFIG}: {reason}", hint=HINT) from error
        return network.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether it is a folder with the config of an ``AutoencoderKL``."""
        try:
            return '"AutoencoderKL"' in (path / CONFIG).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return False

    def settings(self) -> Mapping[str, Any]:
        """The config: the same weights draw something else with another one."""
        return {**asdict(self.config), "widths": list(self.config.widths)}

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """Standard normal, which is what diffusion begins with."""
        num, width = self.config.side**2, self.config.channels
        zeros = torch.zeros(num, width, device=self.device)
        return c2l.LatentSpace(num, width, repeats=(1,) * num, mean=zeros, std=zeros + 1)

    @property
    def image_size(self) -> tuple[int, int]:
        return self.config.size, self.config.size

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        num, width = self.config.side**2, self.config.channels
        return c2l.draw_normal(seeds, num * width).unflatten(1, (num, width)).to(self.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        codes = self.latent_space.expand(latents.to(self.device, torch.float32), repeats)
        side = self.config.side
        z = (truncation * codes).mT.unflatten(2, (side, side))  # (B, D, h, w)
        images: Tensor = self.decoder(self.post_quant_conv(z / self.config.scaling))
        return images


def _today(name: str) -> str:
    for former, now in FORMER_NAMES.items():
        name = name.replace(former, now)
    return name


def _linear(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Some files hold the layers of attention as convolutions of 1 px."""
    return {
        name: t.flatten(1) if ".attentions." in name and t.ndim == 4 else t
        for name, t in tensors.items()
    }
