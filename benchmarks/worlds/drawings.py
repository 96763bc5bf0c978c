"""The demo's drawn faces as a corpus: pictures, and captions that say some of what they show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from c2l_demo.worlds import is_held_out
from c2l_demo_workshop import dataset

SIZE = 64
NUM = {"train": 24_000, "test": 2_000}


class Drawings:
    """Drawings of both splits, the tested ones last."""

    name = "faces"

    def __init__(self, splits: Sequence[dataset.Pictures]) -> None:
        self.splits = splits
        self.num = len(splits[0])
        self.world = splits[0].world
        self.words: Sequence[str] = sorted(self.world.vocabulary())
        pixels = np.concatenate([split.images for split in splits])
        self.pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2)

    @classmethod
    def of(cls, work: Path) -> Self:
        """Those in ``work``, drawn if they are not there."""
        splits = []
        for split, num in NUM.items():
            folder = work / f"{cls.name}-{split}"
            if not (folder / "dataset.json").exists():
                for _ in dataset.render(cls.name, num, dataset.SPLITS[split], folder, size=SIZE):
                    pass
            splits.append(dataset.load(folder))
        return cls(splits)

    def images(self, rows: Tensor) -> Tensor:
        return self.pixels[rows] / 127.5 - 1

    def caption(self, row: int, rng: torch.Generator) -> str:
        split, place = divmod(row, self.num)
        scene = self.splits[split].scene(place)
        draws = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))
        while is_held_out(caption := self.world.caption(scene, draws)[0]):
            pass
        return caption
