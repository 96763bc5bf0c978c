"""Pictures of a drawn world on disk: rendered once, read by every training step.

A folder holds `images.npy` (N, size, size, 3) uint8, `codes.npy` (N, code width) float32,
`visible.npy` (N, attributes) int8 with -1 where the picture does not show the attribute, and
`dataset.json`. Picture i depends on the world, the seed and i alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2l_demo.worlds import WORLDS, Scene, World
from c2l_demo_workshop.codes import code_width, decode, encode

SIZE = 128
CHUNK = 250
SPLITS = {"train": 1, "test": 2}  # seeds: nobody trains on a scene that is tested
NUM = {("faces", "train"): 16_000, ("landscapes", "train"): 12_000,
       ("faces", "test"): 2_000, ("landscapes", "test"): 1_500}  # fmt: skip


@dataclass(frozen=True)
class Pictures:
    """A rendered dataset; the images stay on disk until they are read."""

    world: World
    images: npt.NDArray[np.uint8]  # (N, size, size, 3)
    codes: npt.NDArray[np.float32]  # (N, code width)
    visible: npt.NDArray[np.int8]  # (N, attributes), -1: not visible

    def __len__(self) -> int:
        return len(self.codes)

    def scene(self, index: int) -> Scene:
        """The scene that picture `index` was drawn from."""
        return decode(self.world, self.codes[index])


def draw_scene(world: World, seed: int, index: int) -> Scene:
    """Scene `index` of the endless series that `seed` names."""
    return world.sample(np.random.default_rng((seed, index)))


def seen(world: World, scene: Scene) -> list[int]:
    """The visible attributes in the world's order, -1 where the picture does not show one."""
    visible = world.visible(scene)
    return [visible.get(attribute.name, -1) for attribute in world.attributes]


def _render_chunk(name: str, seed: int, start: int, stop: int, folder: Path) -> int:
    """Draw pictures start..stop into the arrays of `folder`."""
    world = WORLDS[name]
    images = np.load(folder / "images.npy", mmap_mode="r+")
    codes = np.load(folder / "codes.npy", mmap_mode="r+")
    visible = np.load(folder / "visible.npy", mmap_mode="r+")
    for i in range(start, stop):
        scene = draw_scene(world, seed, i)
        images[i] = np.asarray(world.render(scene, images.shape[1]).convert("RGB"))
        codes[i] = encode(world, scene)
        visible[i] = seen(world, scene)
    return stop - start


def render(
    name: str, num: int, seed: int, folder: Path, *, size: int = SIZE, workers: int = 0
) -> Iterator[int]:
    """Draw `num` pictures of a world into `folder`, in parallel.

    Args:
        name: "faces" or "landscapes".
        num: how many pictures.
        seed: which series of scenes.
        folder: made if missing; what is there is overwritten.
        size: width and height in pixels.
        workers: processes; 0 is one for each core.
    Yields:
        How many pictures are done, after every chunk.
    """
    world = WORLDS[name]
    folder.mkdir(parents=True, exist_ok=True)
    finished = folder / "dataset.json"
    finished.unlink(missing_ok=True)
    for file, shape, dtype in (
        ("images.npy", (num, size, size, 3), np.uint8),
        ("codes.npy", (num, code_width(world)), np.float32),
        ("visible.npy", (num, len(world.attributes)), np.int8),
    ):
        np.lib.format.open_memmap(folder / file, mode="w+", dtype=dtype, shape=shape).flush()
    done = 0
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        jobs = [
            pool.submit(_render_chunk, name, seed, start, min(start + CHUNK, num), folder)
            for start in range(0, num, CHUNK)
        ]
        for job in jobs:
            done += job.result()
            yield done
    # Written last: a folder without it is unfinished.
    finished.write_text(json.dumps({"world": name, "num": num, "seed": seed, "size": size}) + "\n")


def load(folder: Path) -> Pictures:
    """Open a rendered dataset.

    Raises:
        FileNotFoundError: the folder is missing or was not finished.
    """
    about = json.loads((folder / "dataset.json").read_text())
    return Pictures(
        world=WORLDS[about["world"]],
        images=np.load(folder / "images.npy", mmap_mode="r"),
        codes=np.load(folder / "codes.npy"),
        visible=np.load(folder / "visible.npy"),
    )
