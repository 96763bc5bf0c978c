"""Small CLIPs as they are in the wild: two towers, contrast alone, captions that say a part.

Towers are cones at initialisation (Liang et al. 2022, arXiv 2203.02053). How far apart they end
depends on the scale of the logits: one that is high from the first step keeps pictures and captions
in two cones, one that is learnt lets them meet. Nothing else ties the towers together: no head that
both share, and captions of which some belong to another picture.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l import Source
from c2l.devices import resolve_device
from c2l_demo_workshop.augment import damage

WIDTH = 128
CHANNELS = {32: 32, 16: 64, 8: 128, 4: 192}
"""At so many pixels."""
CONTEXT = 32
HIGHEST_SCALE = 100.0
BATCH = 256
RATE = 1e-3
WARM = 100
"""Steps until the full rate."""


@dataclass(frozen=True)
class Regime:
    """How a CLIP is trained.

    Args:
        scale: of the logits, at first.
        learnt: whether it is learnt, up to ``HIGHEST_SCALE``.
        wrong: the share of captions that belong to another picture.
        seed: of the weights and of the captions.
    """

    scale: float
    learnt: bool
    wrong: float
    seed: int


REGIMES: Mapping[str, Regime] = {
    "fixed": Regime(scale=100.0, learnt=False, wrong=0.15, seed=0),
    "learnt": Regime(scale=14.0, learnt=True, wrong=0.15, seed=1),
    "noisy": Regime(scale=30.0, learnt=False, wrong=0.3, seed=2),
}


class Corpus(Protocol):
    """Pictures with captions that are true of them.

    Args:
        num: how many train.
        words: all that captions are made of.
    """

    num: int
    words: Sequence[str]

    def images(self, rows: Tensor) -> Tensor:
        """Float, (B, 3, S, S), range [-1, 1]; rows from ``num`` on are held out."""

    def caption(self, row: int, rng: torch.Generator) -> str:
        """Some of what a picture shows, in words."""


class SmallCLIP(c2l.Embedder):
    """A convolutional tower for pictures and a transformer of words.

    Args:
        words: the vocabulary; any other word is unknown.
        size: of the pictures it looks at, 64 or 32.
    """

    reference = "worlds:clip"

    def __init__(self, words: Sequence[str], size: int) -> None:
        super().__init__()
        self.size = size
        self.vocabulary = list(words)
        self.rows = {word: row for row, word in enumerate(self.vocabulary, start=2)}
        first, *others = (c for side, c in CHANNELS.items() if side < size)
        layers: list[nn.Module] = [nn.Conv2d(3, first, 4, 2, 1), nn.ReLU()]
        for before, after in itertools.pairwise((first, *others)):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after)]
            layers += [nn.ReLU(), Refine(after)]
        leave = nn.Linear(others[-1] * 16, WIDTH)
        self.visual = nn.Sequential(*layers, nn.Flatten(), leave)
        self.words = nn.Embedding(len(self.vocabulary) + 2, WIDTH)  # nothing, and unknown words
        self.places = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH))

    @classmethod
    def read(cls, file: Path) -> Self:
        """The one that training wrote."""
        with safe_open(file, "pt") as opened:
            about = opened.metadata()
        embedder = cls(json.loads(about["words"]), int(about["size"]))
        embedder.load_state_dict(safetensors.torch.load_file(file))
        return embedder.eval().requires_grad_(False)

    @classmethod
    def load(cls, source: Source) -> Self:
        assert source.path is not None
        return cls.read(source.path)

    @property
    def width(self) -> int:
        return WIDTH

    def settings(self) -> Mapping[str, Any]:
        return {"vocabulary": self.vocabulary, "size": self.size}

    def embed_images(self, images: Tensor) -> Tensor:
        x = images.to(self.device).clamp(-1, 1)
        if x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="area")
        out: Tensor = self.visual(x.contiguous(memory_format=torch.channels_last))
        return out.float()

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        spoken = [re.findall("[a-z]+", prompt.lower())[:CONTEXT] or [""] for prompt in prompts]
        longest = max(map(len, spoken))
        rows = torch.zeros(len(prompts), longest, dtype=torch.int64)
        for row, words in zip(rows, spoken, strict=True):
            row[: len(words)] = torch.tensor([self.rows.get(word, 1) for word in words])
        rows = rows.to(self.device)
        x = self.words(rows) + self.places[:longest]
        for block in self.blocks:
            x = block(x, rows == 0)
        there = (rows > 0).float()[..., None]
        out: Tensor = self.leave((x * there).sum(1) / there.sum(1))
        return out.float()


class Refine(nn.Module):
    """A convolution beside a way around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.conv(x)))


class Block(nn.Module):
    """A transformer block before which everything is normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        y = self.norms[0](x)
        x = x + self.attention(y, y, y, key_padding_mask=padding, need_weights=False)[0]
        out: Tensor = x + self.mlp(self.norms[1](x))
        return out


def embedder(folder: Path, regime: str, corpus: Callable[[], Corpus], *, steps: int) -> SmallCLIP:
    """The CLIP of a regime, trained on the corpus if it is not in the folder."""
    file = folder / f"clip-{regime}.safetensors"
    if not file.exists():
        train(corpus(), REGIMES[regime], steps, file)
    return SmallCLIP.read(file)


def train(corpus: Corpus, regime: Regime, steps: int, out: Path) -> None:
    """Train both towers by contrast, on a GPU if there is one, and write them to ``out``."""
    torch.manual_seed(regime.seed)
    rng = torch.Generator().manual_seed(regime.seed)
    device = resolve_device("auto")
    damages = rng if device.type == "cpu" else torch.Generator(device).manual_seed(regime.seed)
    embedder = SmallCLIP(corpus.words, corpus.images(torch.tensor([0])).shape[-1])
    embedder.to(device).visual.to(memory_format=torch.channels_last)
    log_scale = torch.tensor(math.log(regime.scale), requires_grad=regime.learnt, device=device)
    matrices = [p for p in embedder.parameters() if p.ndim > 1]
    rest = [p for p in embedder.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": [*rest, log_scale], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / WARM) * (1 - step / steps)
    )
    started = time.monotonic()
    for step in range(1, steps + 1):
        rows = torch.randint(corpus.num, (BATCH,), generator=rng)
        wrong = torch.rand(BATCH, generator=rng) < regime.wrong
        told = torch.where(wrong, torch.randint(corpus.num, (BATCH,), generator=rng), rows)
        captions = [corpus.caption(row, rng) for row in told.tolist()]
        with torch.autocast(device.type, torch.bfloat16):
            seen = embedder.embed_images(damage(corpus.images(rows).to(device), damages))
        read = embedder.embed_text(captions)
        logits = log_scale.exp() * F.normalize(seen, dim=1) @ F.normalize(read, dim=1).T
        same = torch.arange(BATCH, device=device)
        loss = F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(embedder.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            log_scale.clamp_(max=math.log(HIGHEST_SCALE))
        if step % 100 == 0:
            shown = (
                f"loss {float(loss.detach()) / 2:.3f}, scale {float(log_scale.detach().exp()):.0f}"
            )
            spent = time.monotonic() - started
            print(f"CLIP: step {step:,} of {steps:,}, {shown}, {spent:.0f} s", flush=True)
    about = {
        "words": json.dumps(embedder.vocabulary),
        "size": str(embedder.size),
        "scale": f"{float(log_scale.detach().exp()):.1f}",
    }
    state = {name: tensor.cpu().contiguous() for name, tensor in embedder.state_dict().items()}
    safetensors.torch.save_file(state, out, about)
