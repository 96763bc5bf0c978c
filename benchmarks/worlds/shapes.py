"""One shape on a plain ground: drawn by a formula, from a latent that nothing has put in order.

A fixed map of random rotations and waves stirs the latent so thoroughly that no fact of a picture
can be read from it linearly, and neighbours in it show different things. What a picture shows is
measured in its pixels.
"""

# Letters: B batch, D width of a latent, S height and width of a picture.

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, Self

import torch
from torch import Tensor
from torch.nn import functional as F

import c2l
from c2l import Question, Source
from worlds.formula import FormulaGenerator

SIZE, WIDTH = 32, 16
Facts = Mapping[str, Sequence[str]]
Phrase = Callable[[Mapping[str, int]], str]
FACTS: Facts = {
    "shape": ("disc", "square", "triangle", "ring"),
    "colour": ("red", "yellow", "green", "turquoise", "blue", "purple"),
    "size": ("small", "large"),
    "across": ("left", "right"),
    "down": ("top", "bottom"),
    "ground": ("dark", "light"),
}
INKS = 0.8 * torch.tensor(
    [[1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, 1, 1], [-1, -1, 1], [1, -1, 1.0]]
)
SMALLEST, LARGEST = 0.24, 0.52
"""Radii, where a picture is 2 wide; half of all are called small."""
AREAS = torch.tensor([math.pi, 1.7**2, 1.87, 2.51])
"""Of the shapes of radius 1."""
NUM_LAYERS, WAVE = 3, 0.9
NUM_TRAINED, NUM_HELD_OUT = 10_000, 1_000
LOUD = 3.0
FRAMES = ("{}", "a picture of {}", "a photo of {}", "a drawing of {}")
SILENT = ("a", "at", "ground", "of", "on", "something", "the", "with")


class Drawer(Protocol):
    """A generator that tells what it means to show."""

    def sample_latents(self, seeds: Sequence[int]) -> Tensor: ...

    def synthesize(self, latents: Tensor) -> Tensor: ...

    def facts(self, z: Tensor) -> dict[str, Tensor]: ...


class ShapesGenerator(FormulaGenerator):
    """Shapes of 32 px from 16 normal numbers."""

    reference = "worlds:shapes"
    size, width = SIZE, WIDTH
    turns: Tensor
    waves: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(7)
        turns = torch.linalg.qr(torch.randn(NUM_LAYERS + 1, WIDTH, WIDTH, generator=rng)).Q
        waves = torch.randn(NUM_LAYERS, WIDTH, WIDTH, generator=rng) / WIDTH**0.5
        self.register_buffer("turns", turns)
        self.register_buffer("waves", waves)
        raw = self._stir(torch.randn(50_000, WIDTH, generator=rng))
        self.register_buffer("middle", raw.mean(0))
        self.register_buffer("spread", raw.std(0))

    def facts(self, z: Tensor) -> dict[str, Tensor]:
        """What latents (B, D) are meant to show: numbers of the words of ``FACTS``, (B,)."""
        return {
            name: (share * len(words)).long().clamp(max=len(words) - 1)
            for (name, words), share in zip(FACTS.items(), self._shares(z).T, strict=True)
        }

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        codes = self.latent_space.expand(latents.to(self.device), repeats)[:, 0]
        shape, colour, size, across, down, ground = self._shares(truncation * codes).T
        line = (torch.arange(SIZE, device=self.device) + 0.5) * (2 / SIZE) - 1
        x = line - (1.1 * across - 0.55)[:, None, None]
        y = line[:, None] - (1.1 * down - 0.55)[:, None, None]
        radius = (SMALLEST + (LARGEST - SMALLEST) * size)[:, None, None]
        within = one_of(shape, _outlines(x, y, radius))
        inside = torch.sigmoid(-40 * within)[:, None]
        ink = one_of(colour, INKS.to(colour).expand(len(codes), -1, -1))[..., None, None]
        paper = 0.95 * torch.tanh(6 * (ground - 0.5))[:, None, None, None]
        return torch.lerp(paper.expand(-1, 3, SIZE, SIZE), ink.expand(-1, -1, SIZE, SIZE), inside)

    def _shares(self, z: Tensor) -> Tensor:
        """How far each fact is between its first and its last word, from 0 to 1: (B, 6)."""
        return torch.special.ndtr((self._stir(z) - self.middle) / self.spread)

    def _stir(self, z: Tensor) -> Tensor:
        for turn, wave in zip(self.turns[:-1], self.waves, strict=True):
            z = z @ turn
            z = z + WAVE * torch.sin(2 * z @ wave)
        return (z @ self.turns[-1])[:, : len(FACTS)]


def _outlines(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    """How far places are outside of the four shapes, (B, 4, S, S)."""
    far = (x.square() + y.square() + 1e-6).sqrt()
    square = torch.maximum(*torch.broadcast_tensors(x.abs(), y.abs())) - 0.85 * radius
    sides = torch.maximum(*torch.broadcast_tensors(0.866 * x.abs() - 0.5 * y, y))
    ring = (far - 0.8 * radius).abs() - 0.25 * radius
    return torch.stack([far - radius, square, sides - 0.6 * radius, ring], dim=1)


def one_of(share: Tensor, rows: Tensor) -> Tensor:
    """The row (B, N, …) that a share falls on, with soft edges."""
    num = rows.shape[1]
    middles = torch.arange(num, device=share.device) + 0.5
    weights = (-300 * (share[:, None] * num - middles).square()).softmax(1)
    return torch.einsum("bn,bn...->b...", weights, rows)


class ShapesJudge:
    """Measures pixels."""

    def questions(self, num: int, seed: int) -> list[Question]:
        """Different ones, which name one to four facts."""
        asked = ask(FACTS, phrase, num, (1, 4), seed)
        return [Question(f"a picture of {text}", named) for text, named in asked.items()]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        places = images.detach().cpu().clamp(-1, 1)
        edge = torch.cat([places[:, :, 0], places[:, :, -1]], dim=2)
        paper = edge.median(dim=2).values
        away = (places - paper[..., None, None]).norm(dim=1)
        middle = away.flatten(1).argmax(1)
        ink = places.flatten(2)[torch.arange(len(places)), :, middle]
        inside = away / away.amax((1, 2), keepdim=True).clamp_min(1e-6)
        line = (torch.arange(SIZE) + 0.5) * (2 / SIZE) - 1
        area = inside.sum((1, 2)).clamp_min(1e-6)
        x = (inside.sum(1) * line).sum(1) / area
        y = (inside.sum(2) * line).sum(1) / area
        shape = self._shape(inside, area, x, y)
        radius = (area * (2 / SIZE) ** 2 / AREAS[shape]).sqrt()
        return {
            "shape": shape,
            "colour": torch.cdist(ink, INKS).argmin(1),
            "size": (radius > (SMALLEST + LARGEST) / 2).long(),
            "across": (x > 0).long(),
            "down": (y > 0).long(),
            "ground": (paper.mean(1) > 0).long(),
        }

    def _shape(self, inside: Tensor, area: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """A ring is empty in its middle; of the others the box around it is filled differently."""
        column, row = (((v + 1) * SIZE / 2).long().clamp(0, SIZE - 1) for v in (x, y))
        hollow = inside[torch.arange(len(x)), row, column] < 0.5
        wide, high = ((inside.amax(dim) > 0.5).sum(1) for dim in (1, 2))
        filled = area / (wide * high).clamp_min(1)
        solid = torch.bucketize(filled, torch.tensor([0.64, 0.9]))  # triangle, disc, square
        return torch.where(hollow, 3, torch.tensor([2, 0, 1])[solid])


class DrawnCorpus:
    """Pictures of a generator, with what they are meant to show, the last of them held out.

    Args:
        generator: also tells the ``facts`` of latents.
        facts: the words of each.
        phrase: says some of them.
        silent: its other words.
        num: of the pictures that train.
    """

    def __init__(
        self,
        generator: Drawer,
        facts: Facts,
        phrase: Phrase,
        silent: Collection[str],
        num: int = NUM_TRAINED,
    ) -> None:
        self.num, self.phrase = num, phrase
        self.words: Sequence[str] = sorted(
            {word for words in facts.values() for word in words}
            | {word for frame in FRAMES for word in frame.split() if word != "{}"}
            | {*silent}
        )
        z = generator.sample_latents(range(2**40, 2**40 + num + NUM_HELD_OUT))
        with torch.no_grad():
            self._images = torch.cat([generator.synthesize(part).half() for part in z.split(500)])
        self._facts = {name: values.tolist() for name, values in generator.facts(z[:, 0]).items()}

    def images(self, rows: Tensor) -> Tensor:
        return self._images[rows].float()

    def caption(self, row: int, rng: torch.Generator) -> str:
        """Each fact half of the time."""
        keep = torch.rand(len(self._facts), generator=rng) < 0.5
        named = {n: v[row] for (n, v), k in zip(self._facts.items(), keep, strict=True) if k}
        frame = FRAMES[int(torch.randint(len(FRAMES), (), generator=rng))]
        return frame.format(self.phrase(named))


class LoudEmbedder(c2l.Embedder):
    """Another embedder's unit vectors, with one number more, which is large and says nothing."""

    reference = "worlds:loud"

    def __init__(self, embedder: c2l.Embedder) -> None:
        super().__init__()
        self.embedder = embedder

    @classmethod
    def load(cls, source: Source) -> Self:
        raise NotImplementedError("made around another one")

    @property
    def width(self) -> int:
        return self.embedder.width + 1

    def settings(self) -> Mapping[str, Any]:
        return {**self.embedder.settings(), "loud": LOUD}

    def embed_images(self, images: Tensor) -> Tensor:
        return _louder(self.embedder.embed_images(images))

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return _louder(self.embedder.embed_text(prompts))


def _louder(rows: Tensor) -> Tensor:
    return F.pad(F.normalize(rows, dim=1), (0, 1), value=LOUD)


def phrase(named: Mapping[str, int]) -> str:
    """``a large red disc at the top on a dark ground``."""
    word = {name: FACTS[name][value] for name, value in named.items()}
    words = ["a", *(word[name] for name in ("size", "colour") if name in word)]
    words += [word["shape"]] if "shape" in word else ["something"]
    words += ["at", "the", word["down"]] if "down" in word else []
    words += ["on", "the", word["across"]] if "across" in word else []
    words += ["on", "a", word["ground"], "ground"] if "ground" in word else []
    return " ".join(words)


def domain_prompts() -> list[str]:
    """What people ask of such a generator: 120, of which none is asked with a frame."""
    return list(ask(FACTS, phrase, 120, (1, 5), seed=1))


def ask(
    facts: Facts, phrase: Phrase, num: int, between: tuple[int, int], seed: int
) -> dict[str, dict[str, int]]:
    """Different phrases, each of which names a number of facts between two, and what it names."""
    rng = torch.Generator().manual_seed(seed)
    least, most = between
    asked: dict[str, dict[str, int]] = {}
    while len(asked) < num:
        some = int(torch.randint(least, most + 1, (), generator=rng))
        names = [[*facts][row] for row in torch.randperm(len(facts), generator=rng)[:some].tolist()]
        named = {n: int(torch.randint(len(facts[n]), (), generator=rng)) for n in names}
        asked[phrase(named)] = named
    return asked
