"""A clock with one hand, of which people name many things at once: a latent drawn by a formula.

A random network makes the time, the colours and the form of a clock from the latent, each of them
from all of it. What a picture shows is measured in its pixels.
"""

# Letters: B batch, D width of a latent, S height and width of a picture.

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from c2l import Question
from worlds.formula import FormulaGenerator
from worlds.shapes import INKS, Facts, ask, one_of

SIZE, WIDTH = 32, 24
HOURS = "twelve one two three four five six seven eight nine ten eleven"
FACTS: Facts = {
    "hour": HOURS.split(),
    "size": ("small", "large"),
    "form": ("round", "square"),
    "face": ("black", "grey", "white"),
    "hand": ("red", "yellow", "green", "turquoise", "blue", "purple"),
    "wall": ("red", "yellow", "green", "turquoise", "blue", "purple"),
}
FACES = torch.tensor([-1.0, 0.0, 1.0])[:, None].expand(-1, 3)
SMALLEST, LARGEST = 0.5, 0.86
"""Half the height of a clock, where a picture is 2 high; half of all are called small."""
NUM_LAYERS, GAIN = 3, 3.0
SILENT = ("a", "at", "clock", "hand", "of", "on", "wall", "with")


class ClocksGenerator(FormulaGenerator):
    """Clocks of 32 px from 24 normal numbers."""

    reference = "worlds:clocks"
    size, width = SIZE, WIDTH
    layers: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(23)
        layers = torch.randn(NUM_LAYERS + 1, WIDTH, WIDTH, generator=rng) / WIDTH**0.5
        self.register_buffer("layers", layers)
        raw = self._mix(torch.randn(50_000, WIDTH, generator=rng))
        self.register_buffer("middle", raw.mean(0))
        self.register_buffer("spread", raw.std(0))

    def facts(self, z: Tensor) -> dict[str, Tensor]:
        """What latents (B, D) are meant to show: numbers of the words of ``FACTS``, (B,)."""
        turn, shares = self._plan(z)
        rows = {"hour": _hour(turn)}
        for (name, words), share in zip([*FACTS.items()][1:], shares.T, strict=True):
            rows[name] = (share * len(words)).long().clamp(max=len(words) - 1)
        return rows

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        codes = self.latent_space.expand(latents.to(self.device), repeats)[:, 0]
        turn, shares = self._plan(truncation * codes)
        size, form, face, hand, wall = shares.T
        line = (torch.arange(SIZE, device=self.device) + 0.5) * (2 / SIZE) - 1
        x, y = torch.broadcast_tensors(line, line[:, None])
        half = (SMALLEST + (LARGEST - SMALLEST) * size)[:, None, None]
        far, wide = (x.square() + y.square()).sqrt(), torch.maximum(x.abs(), y.abs())
        square = torch.sigmoid(60 * (form - 0.5))[:, None, None]
        clock = torch.sigmoid(40 * (half - torch.lerp(far, wide, square)))
        across, down = turn.sin()[:, None, None], -turn.cos()[:, None, None]
        along = (x * across + y * down).clamp_min(0).minimum(0.85 * half)
        from_hand = ((x - along * across).square() + (y - along * down).square()).sqrt()
        ink = torch.sigmoid(50 * (0.09 - from_hand))[:, None]
        colours = [
            one_of(share, rows.to(share).expand(len(share), -1, -1))[..., None, None]
            for share, rows in ((wall, INKS), (face, FACES), (hand, INKS))
        ]
        behind, front, top = (c.expand(-1, -1, SIZE, SIZE) for c in colours)
        return behind.lerp(front, clock[:, None]).lerp(top, ink)

    def _plan(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The angle of the hand (B,), and how far each other fact is from its first word to its
        last, from 0 to 1: (B, 5)."""
        raw = (self._mix(z) - self.middle) / self.spread
        turn = torch.atan2(raw[:, 0], raw[:, 1]) % (2 * math.pi)
        return turn, torch.special.ndtr(raw[:, 2 : len(FACTS) + 1])

    def _mix(self, z: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            z = torch.tanh(GAIN * z @ layer)
        return z @ self.layers[-1]


def _hour(turn: Tensor) -> Tensor:
    return (turn * (12 / (2 * math.pi))).round().long() % 12


class ClocksJudge:
    """Measures pixels."""

    def questions(self, num: int, seed: int) -> list[Question]:
        """Different ones, which name two to five facts."""
        asked = ask(FACTS, phrase, num, (2, 5), seed)
        return [Question(f"a picture of {text}", named) for text, named in asked.items()]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        places = images.detach().cpu().clamp(-1, 1)
        line = (torch.arange(SIZE) + 0.5) * (2 / SIZE) - 1
        x, y = torch.broadcast_tensors(line, line[:, None])
        far = (x.square() + y.square()).sqrt()
        edge = torch.cat([places[:, :, 0], places[:, :, -1]], dim=2)
        wall = edge.median(dim=2).values
        face = places[:, :, far < 0.8 * SMALLEST].median(dim=2).values
        contrast = (face - wall).norm(dim=1)[:, None, None].clamp_min(1e-6)
        clock = (_unlike(places, wall) / contrast).clamp(max=1)
        covered = clock.sum((1, 2))
        side = (clock > 0.5).any(1).sum(1)
        square = covered / side.square().clamp_min(1) > 0.885
        half = (covered / torch.where(square, 4, math.pi)).sqrt() * (2 / SIZE)
        away = _unlike(places, face) * (far < 0.9 * half[:, None, None])
        inked = away * (away > 0.5 * away.amax((1, 2), keepdim=True))
        top = away.flatten(1).argmax(1)
        ink = places.flatten(2)[torch.arange(len(places)), :, top]
        turn = torch.atan2((inked * x).sum((1, 2)), -(inked * y).sum((1, 2))) % (2 * math.pi)
        return {
            "hour": _hour(turn),
            "size": (half > (SMALLEST + LARGEST) / 2).long(),
            "form": square.long(),
            "face": torch.cdist(face, FACES).argmin(1),
            "hand": torch.cdist(ink, INKS).argmin(1),
            "wall": torch.cdist(wall, INKS).argmin(1),
        }


def _unlike(places: Tensor, colour: Tensor) -> Tensor:
    """How far pictures are from one colour of each (B, 3): (B, S, S)."""
    return (places - colour[..., None, None]).norm(dim=1)


def phrase(named: Mapping[str, int]) -> str:
    """``a small round white clock at nine with a red hand on a blue wall``."""
    word = {name: FACTS[name][value] for name, value in named.items()}
    words = ["a", *(word[name] for name in ("size", "form", "face") if name in word), "clock"]
    words += ["at", word["hour"]] if "hour" in word else []
    words += ["with", "a", word["hand"], "hand"] if "hand" in word else []
    words += ["on", "a", word["wall"], "wall"] if "wall" in word else []
    return " ".join(words)


def domain_prompts() -> list[str]:
    """What people ask of such a generator: 120, of which none is asked with a frame."""
    return list(ask(FACTS, phrase, 120, (1, 5), seed=1))
