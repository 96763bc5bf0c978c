"""Training the judge of each world, on the renderer's drawings alone.

Its training pictures are blurred, tinted and made noisy, since generators draw softer than the
renderer. The network itself is ``c2l_demo.judge_network``.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from c2l_demo.judge_network import SIZE, JudgeNetwork, load_network
from c2l_demo_workshop.augment import damage
from c2l_demo_workshop.dataset import load
from c2l_demo_workshop.muon import Muon

STEPS = {"faces": 700, "landscapes": 450}
BATCH = 64
LEARNING_RATE = 2e-3
MUON = 2.0  # times the learning rate of AdamW
SEED = 40


def pictures_of(images: npt.NDArray[np.uint8]) -> Tensor:
    """(B, H, W, 3) uint8 to float32 (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2) / 127.5 - 1


def halve(images: npt.NDArray[np.uint8]) -> Tensor:
    """(B, 128, 128, 3) uint8 to uint8 (B, 3, 64, 64), as the judge would reduce them."""
    small = F.interpolate(pictures_of(images), (SIZE, SIZE), mode="area")
    small = (small * 127.5 + 127.5).round().to(torch.uint8)
    return small.contiguous(memory_format=torch.channels_last)


def train(work: Path, name: str, out: Path) -> dict[str, float]:
    """Train the judge of one world and write it.

    Args:
        work: holds the rendered `NAME-train` and `NAME-test`.
        name: "faces" or "landscapes".
        out: the `.safetensors` to write.
    Returns:
        accuracy per attribute on the test renders.
    """
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    random = torch.Generator().manual_seed(SEED)
    pictures = load(work / f"{name}-train")
    images = torch.cat([halve(pictures.images[i : i + 256]) for i in range(0, len(pictures), 256)])
    labels = torch.from_numpy(pictures.visible.astype(np.int64))
    judge = JudgeNetwork({a.name: list(a.values) for a in pictures.world.attributes})
    judge.to(memory_format=torch.channels_last)
    print(f"[judge] {name}: {sum(p.numel() for p in judge.parameters()):,} parameters", flush=True)
    steps = STEPS[name]
    convs = [p for p in judge.parameters() if p.ndim == 4]
    rest = [p for p in judge.parameters() if p.ndim != 4]
    optimizers = (
        Muon(convs, MUON * LEARNING_RATE),
        torch.optim.AdamW(rest, lr=LEARNING_RATE, weight_decay=0.02),
    )
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min(1.0, (step + 1) / 50) * (1 + math.cos(math.pi * step / steps)) / 2,
        )
        for optimizer in optimizers
    ]
    started = time.time()
    average = 0.0
    for step in range(1, steps + 1):
        chosen = rng.integers(len(images), size=BATCH)
        logits = judge(damage(images[chosen] / 127.5 - 1, random))
        parts = [
            F.cross_entropy(part, wanted, ignore_index=-1)
            for part, wanted in zip(logits, labels[chosen].unbind(1), strict=True)
        ]
        # A small batch may show nobody's hair colour at all.
        loss = torch.stack([part for part in parts if not part.isnan()]).mean()
        judge.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        now = float(loss.detach())
        average = now + 0.95 * ((average or now) - now)
        if step % 100 == 0:
            rate = step * BATCH / (time.time() - started)
            print(f"[judge] {name} {step}/{steps} loss {average:.3f} {rate:.0f} img/s", flush=True)
        if step % 300 == 0 or step == steps:
            judge.save(out, name)
    return score(out, work / f"{name}-test")


def score(judge: Path, folder: Path) -> dict[str, float]:
    """Accuracy per attribute of a saved judge on the pictures of a rendered folder."""
    pictures = load(folder)
    network = load_network(judge)
    seen = [
        network(pictures_of(pictures.images[i : i + 128])) for i in range(0, len(pictures), 128)
    ]
    out: dict[str, float] = {}
    for column, attribute in enumerate(pictures.world.attributes):
        wanted = torch.from_numpy(pictures.visible[:, column].astype(np.int64))
        guess = torch.cat([part[column].argmax(1) for part in seen])
        known = wanted >= 0
        out[attribute.name] = float((guess[known] == wanted[known]).float().mean())
    print(f"[judge] {pictures.world.name} mean {np.mean(list(out.values())):.4f} | "
          + " ".join(f"{k} {v:.3f}" for k, v in out.items()), flush=True)  # fmt: skip
    return out
