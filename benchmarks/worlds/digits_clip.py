"""Small CLIPs for digits: one with the gap that CLIPs have in the wild, one with hardly any.

Towers are cones at initialisation (Liang et al. 2022, arXiv 2203.02053), and logits scaled by 100
from the first step keep the two apart: pictures and their captions end at cosines of .2 to .4,
hardly above any other pair's, while the class is read off in 98 of 100 scans. A scale that is
learnt, from 14, lets both modalities spread out and meet. Captions name each fact half of the time,
and are wrong at times.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l import Source
from worlds.digits_scans import NUM_HELD_OUT, SIZE, Scans

WIDTH = 128
CONTEXT = 16
FIXED_SCALE, FIRST_SCALE = 100.0, 14.0
"""Of the logits: for a gap all the way; to learn from."""
STEPS = 1500
BATCH = 256
WRONG = 0.15
"""The share of captions that name another digit."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BEFORE: Mapping[str, tuple[str, ...]] = {
    "stroke": ("thin", "", "bold"),
    "shape": ("narrow", "", "wide"),
}
AFTER = ("leaning left", "", "leaning right")
FRAMES = ("{}", "a {}", "a photo of a {}", "a scan of a {}", "a handwritten {}", "the digit {}")

_TEXTS = (*FRAMES, *DIGITS, *AFTER, *(word for words in BEFORE.values() for word in words))
VOCABULARY = sorted({word for text in _TEXTS for word in text.split()} - {"{}"})


def caption(facts: Mapping[str, int], frame: str) -> str:
    """``a photo of a bold seven leaning left``: the facts that are given, in words."""
    words = [BEFORE[name][facts[name]] for name in BEFORE if name in facts]
    words.append(DIGITS[facts["digit"]])
    words.append(AFTER[facts["slant"]] if "slant" in facts else "")
    return " ".join(frame.format(" ".join(words)).split())


def some_facts(facts: Mapping[str, int], rng: torch.Generator) -> dict[str, int]:
    """The digit, and each other fact half of the time."""
    return {
        name: value
        for name, value in facts.items()
        if name == "digit" or float(torch.rand((), generator=rng)) < 0.5
    }


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


class DigitsEmbedder(c2l.Embedder):
    """Two towers, 128 wide."""

    reference = "worlds:digits"

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 32), (32, 64), (64, WIDTH)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(8, outputs), nn.GELU()]
        self.visual = nn.Sequential(*layers, nn.Flatten(), nn.Linear(WIDTH * 16, WIDTH))
        self.words = nn.Embedding(len(VOCABULARY) + 2, WIDTH)  # nothing, and any unknown word
        self.places = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH))

    @classmethod
    def read(cls, file: Path) -> Self:
        """The one that training wrote."""
        embedder = cls()
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
        return {"vocabulary": VOCABULARY}

    def embed_images(self, images: Tensor) -> Tensor:
        ink = images.to(self.device).clamp(-1, 1).mean(1, keepdim=True)
        out: Tensor = self.visual(F.adaptive_avg_pool2d(ink, SIZE))
        return out

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = torch.zeros(len(prompts), CONTEXT, dtype=torch.int64)
        for row, prompt in zip(rows, prompts, strict=True):
            known = [VOCABULARY.index(w) + 2 if w in VOCABULARY else 1 for w in prompt.split()]
            row[: len(known)] = torch.tensor(known[:CONTEXT])
        rows = rows.to(self.device)
        x = self.words(rows) + self.places
        for block in self.blocks:
            x = block(x, rows == 0)
        there = (rows > 0).float()[..., None]
        out: Tensor = self.leave((x * there).sum(1) / there.sum(1).clamp_min(1))
        return out


def train_embedder(scans: Scans, out: Path, *, gap: bool = True, steps: int = STEPS) -> None:
    """Train both towers by contrast and write them to ``out``; prints the gap as it is."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    embedder = DigitsEmbedder()
    scale = nn.Parameter(torch.tensor(math.log(FIXED_SCALE if gap else FIRST_SCALE)))
    learnt = [*embedder.parameters(), *([] if gap else [scale])]
    optimiser = torch.optim.AdamW(learnt, 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=steps)
    images = (2 * scans.images - 1)[:-NUM_HELD_OUT]
    for _ in range(steps):
        rows = torch.randint(len(images), (BATCH,), generator=rng)
        seen = F.normalize(embedder.embed_images(images[rows]), dim=1)
        read = F.normalize(embedder.embed_text(_captions(scans, rows, rng)), dim=1)
        logits = scale.exp() * read @ seen.T
        own = torch.arange(BATCH)
        loss = F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    safetensors.torch.save_file(embedder.state_dict(), out)
    print("digits CLIP:", json.dumps(statistics(embedder.eval(), scans)), flush=True)


@torch.no_grad()
def statistics(embedder: DigitsEmbedder, scans: Scans) -> dict[str, float]:
    """Mean cosines on held-out scans, the distance of the centroids, and the zero-shot accuracy."""
    digits = scans.facts["digit"][-NUM_HELD_OUT:]
    seen = F.normalize(embedder.embed_images(2 * scans.images[-NUM_HELD_OUT:] - 1), dim=1)
    asked = embedder.embed_text([caption({"digit": d}, FRAMES[2]) for d in range(10)])
    read = F.normalize(asked, dim=1)
    found = {
        "true pairs": (seen * read[digits]).sum(1).mean(),
        "any pair": (seen @ read.T).mean(),
        "pictures": (seen @ seen.T).mean(),
        "texts": (read @ read.T).mean(),
        "centroids apart": (seen.mean(0) - read.mean(0)).norm(),
        "zero-shot": ((seen @ read.T).argmax(1) == digits).float().mean(),
    }
    return {name: round(float(value), 3) for name, value in found.items()}


def _captions(scans: Scans, rows: Tensor, rng: torch.Generator) -> list[str]:
    captions = []
    for row in rows.tolist():
        facts = some_facts({name: int(values[row]) for name, values in scans.facts.items()}, rng)
        if float(torch.rand((), generator=rng)) < WRONG:
            facts["digit"] = int(torch.randint(10, (), generator=rng))
        frame = FRAMES[int(torch.randint(len(FRAMES), (), generator=rng))]
        captions.append(caption(facts, frame))
    return captions
