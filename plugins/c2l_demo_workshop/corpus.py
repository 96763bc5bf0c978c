"""What the embedder learns from: pictures at its size, what they show, and captions of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from open_clip.model import CLIP
from torch import Tensor
from torch.nn import functional as F

from c2l_demo.worlds import Scene, World, is_held_out
from c2l_demo_workshop.augment import damage
from c2l_demo_workshop.dataset import Pictures
from c2l_demo_workshop.words import Vocabulary

IMAGE_SIZE = 64

# Small or subtle things are learnt last; the heads weigh them more.
WEIGHTS = {"ear_rings": 2.0, "expression": 2.0, "age": 2.0, "glasses": 1.5, "facial_hair": 1.5,
           "hair_style": 1.5, "season": 1.5, "celestial": 1.5, "rainbow": 1.5}  # fmt: skip


class Labels:
    """Attributes of all worlds in one row, the world itself first; -1: not visible or not named."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self.names = ["world"]
        self.sizes = [len(worlds)]
        self.values: list[tuple[str, ...]] = [tuple(world.name for world in worlds)]
        self.start: list[int] = []
        for world in worlds:
            self.start.append(len(self.names))
            self.names += [f"{world.name}.{a.name}" for a in world.attributes]
            self.sizes += [len(a.values) for a in world.attributes]
            self.values += [a.values for a in world.attributes]
        self.weights = [WEIGHTS.get(name.split(".")[-1], 1.0) for name in self.names]

    def place(self, world: int, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Labels of one world (N, its attributes) to labels of all (N, A)."""
        out = np.full((len(labels), len(self.names)), -1, dtype=np.int64)
        out[:, 0] = world
        out[:, self.start[world] : self.start[world] + labels.shape[1]] = labels
        return out


def consistent(texts: Tensor, images: Tensor) -> Tensor:
    """Which captions are true of which pictures: labels (T, A), (I, A) to bool (T, I)."""
    agrees = texts[:, None] == images[None]
    return (agrees | (texts[:, None] < 0)).all(-1)


def shrink(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pictures (N, H, W, 3) uint8 to the size that the tower sees, as the embedder resizes them."""
    out = np.empty((len(images), IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    for start in range(0, len(images), 256):
        x = torch.from_numpy(np.array(images[start : start + 256])).permute(0, 3, 1, 2)
        x = F.interpolate(x / 255.0, (IMAGE_SIZE, IMAGE_SIZE), mode="bicubic", antialias=True)
        x = (x.clamp(0, 1) * 255).round().to(torch.uint8)
        out[start : start + 256] = x.permute(0, 2, 3, 1).numpy()
    return out


class Corpus:
    """The pictures of one world at the tower's size, with labels and endless captions."""

    def __init__(self, pictures: Pictures, index: int, labels: Labels) -> None:
        self.pictures = pictures
        self.index, self.labels = index, labels
        self.small = shrink(pictures.images)
        self.visible = labels.place(index, pictures.visible)

    def images(self, chosen: npt.NDArray[np.int64]) -> Tensor:
        """float32 (B, 3, 64, 64), range [-1, 1], channels last."""
        return torch.from_numpy(self.small[chosen]).permute(0, 3, 1, 2) / 127.5 - 1

    def captions(
        self, chosen: npt.NDArray[np.int64], rng: np.random.Generator, held_out: bool = False
    ) -> tuple[list[str], npt.NDArray[np.int64]]:
        """A caption for each chosen picture, and what it names (B, A); held-out ones on demand."""
        return self.describe([self.pictures.scene(int(i)) for i in chosen], rng, held_out)

    def variations(
        self, chosen: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Captions of the chosen scenes with one attribute changed: almost true, so instructive."""
        scenes = []
        for i in chosen:
            scene = self.pictures.scene(int(i))
            attributes = self.pictures.world.attributes
            attribute = attributes[int(rng.integers(len(attributes)))]
            value = int(rng.integers(len(attribute.values)))
            changed = {**scene.attributes, attribute.name: value}
            scenes.append(Scene(changed, scene.nuisances))
        return self.describe(scenes, rng)

    def describe(
        self, scenes: Sequence[Scene], rng: np.random.Generator, held_out: bool = False
    ) -> tuple[list[str], npt.NDArray[np.int64]]:
        """A caption for each scene, and what it names (B, A)."""
        world = self.pictures.world
        texts: list[str] = []
        named = np.full((len(scenes), len(world.attributes)), -1, dtype=np.int64)
        for row, scene in enumerate(scenes):
            text, names = world.caption(scene, rng)
            while is_held_out(text) != held_out:
                text, names = world.caption(scene, rng)
            texts.append(text)
            for column, attribute in enumerate(world.attributes):
                named[row, column] = names.get(attribute.name, -1)
        return texts, self.labels.place(self.index, named)


@dataclass
class Batch:
    """Images with what they show, and captions with what they name."""

    images: Tensor
    shown: Tensor
    rows: Tensor
    ends: Tensor
    named: Tensor


@dataclass
class TextBatch:
    """Captions with what they name, and embedded pictures (unit length) with what they show."""

    images: Tensor
    shown: Tensor
    rows: Tensor
    ends: Tensor
    named: Tensor


class Feed:
    """Draws batches from both worlds, rendered and generated."""

    def __init__(
        self, corpora: Sequence[tuple[Corpus, float]], vocabulary: Vocabulary, seed: int
    ) -> None:
        self.corpora = [corpus for corpus, _ in corpora]
        share = np.array([weight for _, weight in corpora])
        self.share = share / share.sum()
        self.vocabulary = vocabulary
        self.rng = np.random.default_rng(seed)
        self.random = torch.Generator().manual_seed(seed)

    def draw(self, num_images: int, num_texts: int) -> Batch:
        """One batch; the captions belong to `num_texts` of the images."""
        images, shown, captions, named = [], [], [], []
        sizes = self.rng.multinomial(num_images, self.share)
        for corpus, size in zip(self.corpora, sizes, strict=True):
            chosen = self.rng.integers(len(corpus.small), size=size)
            images.append(corpus.images(chosen))
            shown.append(corpus.visible[chosen])
            texts, names = corpus.captions(chosen[: round(size * num_texts / num_images)], self.rng)
            captions += texts
            named.append(names)
        rows, ends = self.vocabulary.batch(captions, self.rng)
        return Batch(
            damage(torch.cat(images), self.random),
            torch.from_numpy(np.concatenate(shown)),
            rows,
            ends,
            torch.from_numpy(np.concatenate(named)),
        )

    @torch.no_grad()
    def embed(self, model: CLIP) -> None:
        """Embed all pictures, once, for `draw_texts`."""
        model.eval()
        self.embedded = [
            torch.cat(
                [
                    F.normalize(model.encode_image(corpus.images(part)), dim=-1)
                    for part in np.array_split(
                        np.arange(len(corpus.small)), -(-len(corpus.small) // 256)
                    )
                ]
            )
            for corpus in self.corpora
        ]

    def draw_texts(self, num_images: int, num_texts: int) -> TextBatch:
        """Embedded pictures, and captions: half of them of those pictures, half variations."""
        images, shown, captions, named = [], [], [], []
        sizes = self.rng.multinomial(num_images, self.share)
        for corpus, vectors, size in zip(self.corpora, self.embedded, sizes, strict=True):
            chosen = self.rng.integers(len(corpus.small), size=size)
            images.append(vectors[torch.from_numpy(chosen)])
            shown.append(corpus.visible[chosen])
            half = chosen[: round(size * num_texts / num_images / 2)]
            for texts, names in (
                corpus.captions(half, self.rng),
                corpus.variations(half, self.rng),
            ):
                captions += texts
                named.append(names)
        rows, ends = self.vocabulary.batch(captions, self.rng)
        return TextBatch(
            torch.cat(images),
            torch.from_numpy(np.concatenate(shown)),
            rows,
            ends,
            torch.from_numpy(np.concatenate(named)),
        )
