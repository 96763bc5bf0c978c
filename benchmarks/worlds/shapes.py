"""Ten shapes, drawn by formula: the truth of a world with classes.

What a drawing shows besides its class follows from z: where it is, how large, its colour, how dark
the ground is. z counts by its direction alone, as in a StyleGAN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l import Question

SIZE = 32
Z_WIDTH = 8
SHAPES = ("disc", "ring", "square", "diamond", "triangle", "cross", "star", "heart", "moon", "bar")
COLOURS = ("red", "yellow", "green", "cyan", "blue", "pink")
"""Sixths of the circle of hues, the first one around 0."""
SIZES, SIDES = ("small", "", "large"), ("left", "", "right")
FRAMES = ("{}", "a {}", "a drawing of a {}", "a picture of a {}", "one {} on grey", "the shape {}")
JUDGE_STEPS, NUM_CORPUS = 500, 10_000


def facts_of(z: Tensor) -> dict[str, Tensor]:
    """What z (B, Z_WIDTH) says, in words: indices into COLOURS, SIZES and SIDES."""
    x, _, size, hue, _ = _parameters(z)
    return {
        "colour": ((hue * 6 + 0.5).floor() % 6).long(),
        "size": torch.bucketize(size, torch.tensor([1 / 3, 2 / 3])),
        "side": torch.bucketize(x, torch.tensor([-0.12, 0.12])),
    }


def draw(z: Tensor, classes: Tensor) -> Tensor:
    """Drawings (B, 3, SIZE, SIZE) in [-1, 1] of z (B, Z_WIDTH) and classes (B,)."""
    x, y, size, hue, ground = (p[:, None, None] for p in _parameters(z))
    line = (torch.arange(SIZE) + 0.5) / SIZE * 2 - 1
    scale = 0.35 + 0.3 * size
    u, v = (line - x) / scale, (line[:, None] - y) / scale
    far = torch.stack([_FAR[SHAPES[n]](u[i], v[i]) for i, n in enumerate(classes.tolist())])
    ink = torch.sigmoid(-far * scale * SIZE)[:, None]
    turns = hue - torch.tensor([0.0, 1 / 3, 2 / 3])[:, None, None, None]
    colour = 0.2 + 0.8 * (2 * math.pi * turns).cos().permute(1, 0, 2, 3)
    return torch.lerp((ground[:, None] - 0.9).expand(-1, 3, SIZE, SIZE), colour, ink)


def _parameters(z: Tensor) -> tuple[Tensor, ...]:
    """x and y from -0.3 to 0.3, size and hue from 0 to 1, ground from 0 to 0.5."""
    even = torch.special.ndtr(F.normalize(z, dim=1) * z.shape[1] ** 0.5)
    hue = torch.atan2(z[:, 3], z[:, 4]) / (2 * math.pi) % 1
    return 0.6 * even[:, 0] - 0.3, 0.6 * even[:, 1] - 0.3, even[:, 2], hue, 0.5 * even[:, 5]


def _polygon(u: Tensor, v: Tensor, corners: int, inner: float) -> Tensor:
    """A star with so many points, whose inner corners lie at ``inner``; 1 of them is a polygon."""
    sector = math.pi / corners
    angle = torch.atan2(u, -v)
    angle = (angle + sector) % (2 * sector) - sector
    a, b = torch.hypot(u, v) * angle.cos(), (torch.hypot(u, v) * angle.sin()).abs()
    ix, iy = inner * math.cos(sector), inner * math.sin(sector)
    length = math.hypot(1 - ix, iy)
    return ((a - 1) * iy + b * (1 - ix)) / length


_FAR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "disc": lambda u, v: torch.hypot(u, v) - 0.8,
    "ring": lambda u, v: (torch.hypot(u, v) - 0.75).abs() - 0.2,
    "square": lambda u, v: torch.maximum(u.abs(), v.abs()) - 0.72,
    "diamond": lambda u, v: (u.abs() + v.abs() - 1) * 0.7,
    "triangle": lambda u, v: _polygon(u, v - 0.2, 3, 0.5),
    "cross": lambda u, v: torch.minimum(
        torch.maximum(u.abs() - 0.25, v.abs() - 0.95), torch.maximum(v.abs() - 0.25, u.abs() - 0.95)
    ),
    "star": lambda u, v: _polygon(u, v, 5, 0.4),
    "heart": lambda u, v: 0.6 * (u.square() + (0.1 - v - 0.7 * u.abs().sqrt()).square() - 0.6),
    "moon": lambda u, v: torch.maximum(
        torch.hypot(u, v) - 0.9, 0.75 - torch.hypot(u - 0.45, v)
    ),
    "bar": lambda u, v: torch.maximum(u.abs() - 1, v.abs() - 0.22),
}
"""How far a place is outside of a shape; below 0 inside."""


class ShapesCorpus:
    """Drawings with captions that say some of what they show."""

    num = NUM_CORPUS
    words: Sequence[str] = sorted(
        {word for text in (*FRAMES, *SHAPES, *COLOURS, *SIZES, *SIDES) for word in text.split()}
        - {"{}"}
        | {"something"}
    )

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(7)
        self.z = torch.randn(self.num, Z_WIDTH, generator=rng)
        self.classes = torch.randint(len(SHAPES), (self.num,), generator=rng)
        self.facts = facts_of(self.z)
        self.pixels = (127.5 * (draw(self.z, self.classes).clamp(-1, 1) + 1)).round().byte()

    def images(self, rows: Tensor) -> Tensor:
        return self.pixels[rows] / 127.5 - 1

    def caption(self, row: int, rng: torch.Generator) -> str:
        dice = torch.rand(4, generator=rng).tolist()
        told = {name: int(values[row]) for name, values in self.facts.items()}
        named = {n: told[n] for n, die in zip(told, dice, strict=False) if die < 0.5}
        frame = FRAMES[int(dice[3] * len(FRAMES))]
        return caption(SHAPES[int(self.classes[row])], named, frame)


def caption(shape: str, named: dict[str, int], frame: str) -> str:
    """``a drawing of a small red star left``."""
    words = [
        SIZES[named["size"]] if "size" in named else "",
        COLOURS[named["colour"]] if "colour" in named else "",
        shape,
        SIDES[named["side"]] if "side" in named else "",
    ]
    return " ".join(frame.format(" ".join(words)).split())


class ShapesJudge(nn.Module):
    """Says which shape a picture shows."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((3, 24), (24, 48), (48, 64)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, len(SHAPES)))

    @classmethod
    def read(cls, file: Path) -> Self:
        """The judge that ``train_judge`` wrote."""
        judge = cls()
        judge.load_state_dict(safetensors.torch.load_file(file))
        return judge.eval().requires_grad_(False)

    def questions(self, num: int, seed: int) -> list[Question]:
        """``num`` prompts that name a shape, two thirds of them with something else."""
        return [
            Question(text, {"shape": shape}) for shape, text in prompts(num, seed)
        ]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return {"shape": self.network(images.detach().cpu().clamp(-1, 1)).argmax(1)}


def prompts(num: int, seed: int) -> list[tuple[int, str]]:
    """Different prompts, all shapes equally often: class and text."""
    rng = torch.Generator().manual_seed(seed)
    found: dict[str, int] = {}
    while len(found) < num:
        number = len(found) % len(SHAPES)
        dice = torch.rand(4, generator=rng).tolist()
        named = {"colour": int(dice[1] * 6)} if dice[0] < 0.67 else {}
        named |= {"size": 2 * int(dice[2] * 2)} if dice[0] < 0.33 else {}
        found.setdefault(caption(SHAPES[number], named, FRAMES[int(dice[3] * 6)]), number)
    return [(number, text) for text, number in found.items()]


def domain_prompts() -> list[str]:
    """What people ask of such a generator."""
    return [text for _, text in prompts(120, 1)]


def drawings_of(questions: Sequence[Question]) -> Tensor:
    """A drawing of each question."""
    rng = torch.Generator().manual_seed(3)
    z = torch.randn(len(questions), Z_WIDTH, generator=rng)
    return draw(z, torch.tensor([question.named["shape"] for question in questions]))


def train_judge(out: Path) -> None:
    """Train the judge on drawings and write it to ``out``; prints its accuracy on others."""
    torch.manual_seed(0)
    judge = ShapesJudge()
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=JUDGE_STEPS)
    for _ in range(JUDGE_STEPS):
        images, classes = some_drawings(64)
        loss = F.cross_entropy(judge.network(images + 0.1 * torch.randn_like(images)), classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    safetensors.torch.save_file(judge.state_dict(), out)
    images, classes = some_drawings(2000)
    right = float((judge.eval()(images)["shape"] == classes).float().mean())
    print(f"shapes judge: {right:.1%} of other drawings right", flush=True)


def some_drawings(num: int) -> tuple[Tensor, Tensor]:
    """Drawings and their classes, from torch's own random numbers."""
    classes = torch.randint(len(SHAPES), (num,))
    return draw(torch.randn(num, Z_WIDTH), classes), classes
