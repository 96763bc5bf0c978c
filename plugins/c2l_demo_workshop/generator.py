"""The demo's generators: StyleGAN2 networks that learnt to draw what the renderers draw.

Each world's renderer is distilled into a StyleGAN2 of 128 px by regression: w is the scene's
code, the target is the scene's picture. The mapping network needs no training (see `mapping`).
The synthesis network grows as progressive GANs did: while it is young only its low resolutions
are computed, which is far cheaper, and what it has drawn at each resolution is compared with the
picture at that resolution.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

import c2l
from c2l_demo.worlds import WORLDS
from c2l_demo_workshop import dataset
from c2l_demo_workshop.codes import code_width
from c2l_demo_workshop.mapping import CODE_SCALE, Z_DIM, mapping_settings, mapping_tensors
from c2l_demo_workshop.muon import Muon

CHANNELS = {4: 128, 8: 128, 16: 96, 32: 64, 64: 32, 128: 16}
MINUTES = {"faces": 44.0, "landscapes": 45.0}  # at six tenths of a Zen 3 core: 4500 steps
REFINE_MINUTES = 14.0  # on a core of its own
REFINE_PEAK = 0.4  # of the full rates
# (resolution that is grown to, share of the time at which that begins, pictures in a batch)
STAGES = ((32, 0.0, 8), (64, 0.12, 8), (128, 0.35, 6))
ADAM_RATE = 1e-2
AFFINE_RATE = 4e-2  # the layers that turn a code into styles
MUON_RATE = 0.1  # of the convolutions, whose size demodulation cancels: no decay is needed
FLAT = 0.4  # share of the time before the rates begin to fall
HELD_OUT = 192  # pictures at the end of the training set that only measure
SEED = 0


@dataclass
class Optimisers:
    """Adam and Muon with one schedule."""

    all: list[torch.optim.Optimizer]

    @classmethod
    def of(cls, synthesis: nn.Module) -> Optimisers:
        """Convolutions to Muon, the rest to Adam."""
        convs: list[nn.Parameter] = []
        affines: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, p in synthesis.named_parameters():
            is_conv = p.ndim == 4 and "torgb" not in name
            (affines if ".affine." in name else convs if is_conv else rest).append(p)
        groups = [{"params": rest, "lr": ADAM_RATE}, {"params": affines, "lr": AFFINE_RATE}]
        muon = Muon(convs, MUON_RATE, momentum=0.9, decay=0.0)
        found = cls([torch.optim.Adam(groups, betas=(0.9, 0.99)), muon])
        for optimiser in found.all:
            for group in optimiser.param_groups:
                group["full"] = group["lr"]
        return found

    def step(self, factor: float) -> None:
        """Apply the gradients with this share of the full rates, and forget them."""
        for optimiser in self.all:
            for group in optimiser.param_groups:
                group["lr"] = group["full"] * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)


def rate(progress: float, steps: int) -> float:
    """A warm-up, a plateau and half a cosine."""
    fall = max(0.0, (progress - FLAT) / (1 - FLAT))
    return min(1.0, (steps + 1) / 30) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * fall)))


def fresh(world_name: str, work: Path) -> Any:
    """A generator with the final mapping network and an untrained synthesis network."""
    world = WORLDS[world_name]
    settings = {
        "z_dim": Z_DIM,
        "c_dim": 0,
        "w_dim": code_width(world),
        "img_resolution": dataset.SIZE,
        "img_channels": 3,
        "channels": CHANNELS,
        "use_noise": False,
        "mapping": mapping_settings(world),
    }
    path = (work / f"{world_name}-init.json").resolve()
    described = {"schema": "c2l-stylegan/1", "family": "stylegan2", "settings": settings}
    path.write_text(json.dumps({**described, "seed": SEED}))
    generator: Any = c2l.load_generator(f"stylegan:{path}")
    generator.load_state_dict(mapping_tensors(world), strict=False)
    return generator


def as_tensor(images: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """Pictures (B, H, W, 3) to (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2) / 127.5 - 1


def attention(pictures: dataset.Pictures, num: int = 3000) -> Tensor:
    """How much each pixel counts, (1, 1, size, size), mean one.

    For each attribute, how far apart its values' mean pictures are, relative to the whole
    picture: what depends on a small thing (a mouth, an ear-ring) counts more than its area.
    """
    images = as_tensor(pictures.images[:num])
    images = F.avg_pool2d(images, 2)
    spreads = []
    for seen in torch.from_numpy(pictures.visible[:num]).T:
        means = torch.stack([images[seen == v].mean(0) for v in seen.unique() if v >= 0])
        spread = means.var(dim=0).sum(dim=0).sqrt()
        spreads.append(spread / spread.mean())
    mean = torch.stack(spreads).mean(dim=0)[None, None]
    smooth = F.avg_pool2d(mean, 5, stride=1, padding=2, count_include_pad=False)
    weight = F.interpolate(smooth.clamp(0.3, 5.0), scale_factor=2.0, mode="bilinear")
    return weight / weight.mean()


def loss_of(images: Sequence[Tensor], targets: Tensor, weight: Tensor) -> Tensor:
    """L1 of the pictures and half the L1 of their gradients, summed over the resolutions."""
    total = torch.zeros(())
    for image in images:
        side = image.shape[-1]
        if side < 8:
            continue
        shrink = targets.shape[-1] // side
        error = image - F.avg_pool2d(targets, shrink)
        error = error * F.avg_pool2d(weight, shrink)
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        share = 1.0 if side == images[-1].shape[-1] else 0.4
        total = total + share * (error.abs().mean() + 0.5 * edges)
    return total


def batches(num: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless indices of scenes, each scene once in a pass."""
    while True:
        yield from torch.randperm(num, generator=generator)


def draw(generator: Any, codes: Tensor, until: int | None = None) -> list[Tensor]:
    """What the network has drawn after each resolution, for codes (B, code width)."""
    ws = (codes * CODE_SCALE)[:, None].expand(-1, generator.num_ws, -1)
    images: list[Tensor] = generator.synthesis.images(ws, until=until)
    return images


@torch.no_grad()
def measure(generator: Any, pictures: dataset.Pictures, until: int, sheet: Path) -> float:
    """PSNR in dB on the held-out pictures at a resolution; draws a sheet of some of them."""
    errors, rows = [], []
    for start in range(len(pictures) - HELD_OUT, len(pictures), 32):
        part = slice(start, start + 32)
        made = draw(generator, torch.from_numpy(pictures.codes[part]), until)[-1].clamp(-1, 1)
        wanted = F.avg_pool2d(as_tensor(pictures.images[part]), dataset.SIZE // until)
        errors.append((made - wanted).div(2).square().mean(dim=(1, 2, 3)))
        rows.append(torch.cat([wanted[:10], made[:10]]))
    tiles = F.interpolate(torch.cat(rows[:3]), size=dataset.SIZE)
    grid = tiles.view(-1, 10, 3, dataset.SIZE, dataset.SIZE).permute(0, 3, 1, 4, 2)
    grid = grid.reshape(-1, 10 * dataset.SIZE, 3)
    Image.fromarray((grid * 127.5 + 127.5).round().to(torch.uint8).numpy()).save(sheet)
    return -10 * math.log10(float(torch.cat(errors).mean()))


def train(world_name: str, work: Path, out: Path, minutes: float | None = None) -> None:
    """Distil a world and write its generator to `out`, again and again while it improves.

    Args:
        world_name: "faces" or "landscapes".
        work: the folder with the rendered pictures.
        out: the `.safetensors` file to write.
        minutes: how long to train (wall clock); the schedule is a function of the time.
    """
    torch.manual_seed(SEED)
    _descend(world_name, fresh(world_name, work), work, out, minutes or MINUTES[world_name], STAGES)


def refine(world_name: str, work: Path, out: Path, minutes: float | None = None) -> None:
    """Go on with a distilled generator at its full resolution, at lower rates: it gets sharper.

    Args:
        world_name, work: as for `train`.
        out: the file that `train` wrote; written again.
        minutes: wall clock.
    """
    torch.manual_seed(SEED + 1)
    generator: Any = c2l.load_generator(f"stylegan:{out.resolve()}")
    stages = ((dataset.SIZE, 0.0, 6),)
    _descend(world_name, generator, work, out, minutes or REFINE_MINUTES, stages, REFINE_PEAK)


def _descend(
    world_name: str,
    generator: Any,
    work: Path,
    out: Path,
    minutes: float,
    stages: Sequence[tuple[int, float, int]],
    peak: float = 1.0,
) -> None:
    """Train the synthesis network through `stages`, at `peak` of the full rates."""
    pictures = dataset.load(work / f"{world_name}-train")
    codes = torch.from_numpy(pictures.codes)
    weight = attention(pictures)
    average = copy.deepcopy(generator)
    generator.synthesis.requires_grad_(True)
    optimisers = Optimisers.of(generator.synthesis)
    scenes = batches(len(pictures) - HELD_OUT, torch.Generator().manual_seed(SEED))
    seconds = 60 * minutes
    started, steps, seen, reported = time.monotonic(), 0, 0, 0.0

    def report(progress: float, until: int) -> None:
        psnr = measure(average, pictures, until, work / f"{world_name}-generator.png")
        average.save(out, half=True)
        print(
            f"[{world_name} generator] {progress:.0%} {until} px, {steps} steps, {seen} pictures,"
            f" PSNR {psnr:.2f}",
            flush=True,
        )

    while (progress := (time.monotonic() - started) / seconds) < 1:
        until, _, size = [stage for stage in stages if stage[1] <= progress][-1]
        index = torch.stack([next(scenes) for _ in range(size)])
        targets = as_tensor(pictures.images[index.sort().values.numpy()])
        loss = loss_of(draw(generator, codes[index.sort().values], until), targets, weight)
        loss.backward()  # type: ignore[no-untyped-call]
        optimisers.step(peak * rate(progress, steps))
        with torch.no_grad():
            keep = min(0.995, (1 + steps) / (10 + steps))
            for a, p in zip(average.parameters(), generator.parameters(), strict=True):
                a.lerp_(p, 1 - keep)
        steps, seen = steps + 1, seen + size
        if progress - reported > 0.04:
            reported = progress
            report(progress, until)
    report(1.0, dataset.SIZE)
