"""The judge: a small convnet that says what a picture shows, trained on the renderer alone.

It never sees a generator, a text or the embedder, so it can score all of them. Its training
pictures are blurred, tinted and made noisy, since generators draw softer than the renderer.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from .augment import damage
from .dataset import load
from .muon import Muon

STEPS = {"faces": 700, "landscapes": 450}
BATCH = 64
LEARNING_RATE = 2e-3
MUON = 2.0  # times the learning rate of AdamW
SEED = 40
SIZE = 64  # what it looks at; the largest that a CPU trains in minutes
WIDTHS = (16, 32, 64, 128)


class Block(nn.Module):
    """Halve the picture, then refine it once with a residual."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.refine = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.down(x)))
        return F.relu(x + self.norm2(self.refine(x)))


class Judge(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1], H = W, to one tensor of logits for each attribute.

    Args:
        attributes: the values of each attribute, by name, in the world's order.
    """

    def __init__(self, attributes: dict[str, list[str]]) -> None:
        super().__init__()
        self.attributes = attributes
        self.first = nn.Conv2d(3, WIDTHS[0], 4, stride=2, padding=1)
        self.blocks = nn.Sequential(*map(Block, WIDTHS, WIDTHS[1:]))  # 32 -> 4
        # Where something is matters (ears, sky), so the 4 x 4 grid is read as it is.
        self.squeeze = nn.Conv2d(WIDTHS[-1], 32, 1)
        self.heads = nn.Linear(32 * 16, sum(map(len, attributes.values())))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if images.shape[-2:] != (SIZE, SIZE):
            images = F.interpolate(images, (SIZE, SIZE), mode="area")
        x = self.blocks(F.relu(self.first(images)))
        logits: Tensor = self.heads(F.relu(self.squeeze(x)).flatten(1))
        return torch.split(logits, [len(values) for values in self.attributes.values()], dim=1)

    def save(self, path: Path, world: str) -> None:
        """Write float16 weights, with the attributes in the file's metadata."""
        state = {k: v.half().contiguous() for k, v in self.state_dict().items()
                 if not k.endswith("num_batches_tracked")}  # fmt: skip
        about = {"world": world, "attributes": json.dumps(self.attributes)}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(state, about))


def load_judge(path: Path) -> Callable[[Tensor], dict[str, Tensor]]:
    """Read a judge.

    Returns:
        a function of images, float32 (B, 3, H, W) in [-1, 1], H = W, that answers with the index
        of the value of every attribute, int64 (B,) each. Its world's names and values are in
        the file's metadata, see `judge_attributes`.
    """
    judge = Judge(judge_attributes(path))
    with safe_open(path, "pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    judge.load_state_dict(state, strict=False)
    judge.eval()

    @torch.inference_mode()
    def look(images: Tensor) -> dict[str, Tensor]:
        parts = [judge(part.clamp(-1, 1)) for part in torch.split(images.float(), 128)]
        return {
            name: torch.cat([logits[i].argmax(1) for logits in parts])
            for i, name in enumerate(judge.attributes)
        }

    return look


def judge_attributes(path: Path) -> dict[str, list[str]]:
    """The attributes that a judge knows and the values of each, in order."""
    with safe_open(path, "pt") as file:
        found: dict[str, list[str]] = json.loads(file.metadata()["attributes"])
    return found


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
    judge = Judge({a.name: list(a.values) for a in pictures.world.attributes})
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
    look = load_judge(judge)
    seen = [look(pictures_of(pictures.images[i : i + 128])) for i in range(0, len(pictures), 128)]
    out: dict[str, float] = {}
    for column, attribute in enumerate(pictures.world.attributes):
        wanted = torch.from_numpy(pictures.visible[:, column].astype(np.int64))
        guess = torch.cat([part[attribute.name] for part in seen])
        known = wanted >= 0
        out[attribute.name] = float((guess[known] == wanted[known]).float().mean())
    print(f"[judge] {pictures.world.name} mean {np.mean(list(out.values())):.4f} | "
          + " ".join(f"{k} {v:.3f}" for k, v in out.items()), flush=True)  # fmt: skip
    return out
