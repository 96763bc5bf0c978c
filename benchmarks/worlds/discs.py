"""Discs in ten colours, which are their classes: a StyleGAN2 distilled from drawings of a formula.

No GAN is trained for it: which picture belongs to z and class is known, so a minute of regression
will do, and what is measured later is not how well a GAN was trained. z counts by its direction
alone, as in every StyleGAN: it says where the disc lies, how large it is, and how dark the ground.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

import c2l
from c2l import Question
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings
from worlds.colours import COLOURS

SIZE, Z_WIDTH = 16, 8
NAMES = (
    *("red", "green", "blue", "yellow", "purple"),
    *("turquoise", "brown", "orange", "pink", "white"),
)
"""Colours that the embedder has a word for, and that no ground has."""
FRAMES = ("{}", "a {} picture", "something {}", "a photo that is {}", "{} and dark", "{} and grey")
LEVELS = 5
"""Of the embedder's channels. With its usual three, most pictures nearest to "brown" are orange, so
that nobody could draw what that names."""
STEPS, BATCH, RATE = 2500, 32, 0.05
SETTINGS = StyleGAN2Settings(
    z_dim=Z_WIDTH,
    c_dim=len(NAMES),
    w_dim=32,
    img_resolution=SIZE,
    img_channels=3,
    mapping=MappingSettings(num_layers=3, lr_multiplier=1.0),
    channel_base=384,
    channel_max=24,
    use_noise=False,
)


def palette() -> Tensor:
    """The colours of the classes, (10, 3)."""
    return torch.tensor([COLOURS[name] for name in NAMES])


def draw(z: Tensor, classes: Tensor) -> Tensor:
    """Drawings (B, 3, SIZE, SIZE) in [-1, 1] of z (B, Z_WIDTH) and classes (B,)."""
    even = torch.special.ndtr(F.normalize(z, dim=1) * Z_WIDTH**0.5)
    x, y, size, ground = even[:, :4].T[:, :, None, None]
    line = (torch.arange(SIZE) + 0.5) / SIZE
    far = torch.hypot(line - 0.35 - 0.3 * x, line[:, None] - 0.35 - 0.3 * y)
    inside = torch.sigmoid(24 * (0.2 + 0.15 * size - far))[:, None]
    grey = (0.8 * ground[:, None] - 0.9).expand(-1, 3, SIZE, SIZE)
    return torch.lerp(grey, palette()[classes][..., None, None], inside)


class DiscsJudge:
    """Says which of the colours the place is nearest to that is least like the ground.

    That is the middle of a disc, even of a small one. Its edges are mixtures with the ground, and
    some of an orange one are more like brown than its middle is like orange.
    """

    def questions(self, num: int, seed: int) -> list[Question]:
        """The first ``num`` of all prompts with a known truth; nothing is left to the seed."""
        return [Question(text, {"disc": number}) for number, text in prompts()][:num]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        places = images.detach().cpu().clamp(-1, 1).flatten(2).mT
        ground = places.median(dim=1, keepdim=True).values  # no disc covers half a picture
        middle = (places - ground).norm(dim=2).argmax(dim=1)
        shown = places[torch.arange(len(places)), middle]
        return {"disc": torch.cdist(shown, palette()).argmin(dim=1)}


def prompts() -> list[tuple[int, str]]:
    """Class and text, all classes equally often."""
    return [(n, frame.format(name)) for frame in FRAMES for n, name in enumerate(NAMES)]


class ZeroLabels(StyleGAN):
    """The same network, given the label of zeros, which its training never showed."""

    def __init__(self, settings: StyleGAN2Settings) -> None:
        super().__init__(settings)
        self.classes = None

    @classmethod
    def of(cls, network: c2l.Generator) -> ZeroLabels:
        zeros = cls(SETTINGS)
        zeros.load_state_dict(network.state_dict())
        return zeros.eval().requires_grad_(False)

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self.map(self._noise(seeds))[:, :1]


def train_generator(out: Path) -> None:
    """Distil the drawings and write the network to ``out``."""
    network = StyleGAN.initialised(SETTINGS, seed=0)
    rng = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), RATE, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=0.1)
    started, average = time.monotonic(), network.mapping.w_avg
    assert average is not None
    for step in range(1, STEPS + 1):
        z = torch.randn(BATCH, Z_WIDTH, generator=rng)
        classes = torch.randint(len(NAMES), (BATCH,), generator=rng)
        w = network.mapping(z, F.one_hot(classes, len(NAMES)).float())
        loss = (network.synthesize(w[:, None]) - draw(z, classes)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            average.lerp_(w.mean(dim=0), 0.02)
        if step % 100 == 0:
            spent = time.monotonic() - started
            print(f"discs: step {step} of {STEPS}, {loss.item():.4f}, {spent:.0f} s", flush=True)
    network.eval().save(out)
    out.with_name(f"{out.stem}.classes.txt").write_text("\n".join(NAMES) + "\n")
