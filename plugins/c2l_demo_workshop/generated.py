"""Training scenes as a distilled generator draws them, in the format of a rendered dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

import c2l
from c2l_demo_workshop import dataset
from c2l_demo_workshop.generator import draw

NUM = {"faces": 2000, "landscapes": 1200}
BATCH = 20


@torch.inference_mode()
def redraw(generator_file: Path, rendered: Path, folder: Path, num: int) -> None:
    """Write the first `num` scenes of a rendered dataset, drawn by the generator from their codes.

    Args:
        generator_file: what `generator` trained.
        rendered: a folder that `dataset.render` wrote.
        folder: made if missing; what is there is overwritten.
        num: how many pictures.
    """
    generator: Any = c2l.load_generator(f"stylegan:{generator_file.resolve()}")
    pictures = dataset.load(rendered)
    codes, visible = pictures.codes[:num], pictures.visible[:num]
    images = np.empty((len(codes), dataset.SIZE, dataset.SIZE, 3), dtype=np.uint8)
    for start in range(0, len(codes), BATCH):
        made = draw(generator, torch.from_numpy(codes[start : start + BATCH]))[-1].clamp(-1, 1)
        pixels = (made * 127.5 + 127.5).round().to(torch.uint8)
        images[start : start + BATCH] = pixels.permute(0, 2, 3, 1).numpy()
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("images", images), ("codes", codes), ("visible", visible)):
        np.save(folder / f"{name}.npy", array)
    about = {"world": pictures.world.name, "num": len(codes), "size": dataset.SIZE,
             "generator": generator_file.name}  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(about) + "\n")
