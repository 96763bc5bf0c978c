"""Judges digits: a classifier trained on scans, and closed-form measurements for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l import Question
from worlds.digits_captions import DIGITS, FRAMES, caption
from worlds.digits_scans import NUM_HELD_OUT, SIZE, Scans, measure

STEPS = 1200


class DigitsJudge(nn.Module):
    """Says which digit a picture shows, and how bold, slanted and wide it is."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 24), (24, 48), (48, 96)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.network = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * 16, 10))

    @classmethod
    def read(cls, file: Path) -> Self:
        """The judge that ``train_judge`` wrote."""
        judge = cls()
        judge.load_state_dict(safetensors.torch.load_file(file))
        return judge.eval().requires_grad_(False)

    def questions(self, num: int, seed: int) -> list[Question]:
        """``num`` different prompts that name a digit, half of them with one more fact; or as many
        as there are."""
        num = min(num, 2 * len(DIGITS) * len(FRAMES))
        rng = torch.Generator().manual_seed(seed)
        found: dict[str, Question] = {}
        while len(found) < num:
            index = len(found)
            named = {"digit": index % 10}
            if index // 10 % 2:
                fact = ("stroke", "slant", "shape")[int(torch.randint(3, (), generator=rng))]
                named[fact] = 2 * int(torch.randint(2, (), generator=rng))
            frame = FRAMES[int(torch.randint(len(FRAMES), (), generator=rng))]
            prompt = caption(named, frame)
            found.setdefault(prompt, Question(prompt, named))
        return list(found.values())

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        ink = images.detach().cpu().clamp(-1, 1).mean(1, keepdim=True) / 2 + 0.5
        ink = F.adaptive_avg_pool2d(ink, SIZE)
        with torch.no_grad():
            return {"digit": self.network(ink).argmax(1), **measure(ink)}


def scans_of(scans: Scans, questions: Sequence[Question]) -> Tensor:
    """A scan of each question, the first that shows all it names."""
    fits = [
        torch.stack([scans.facts[name] == value for name, value in q.named.items()]).all(0)
        for q in questions
    ]
    rows = torch.stack([fit.int().argmax() for fit in fits])
    return (2 * scans.images[rows] - 1).expand(-1, 3, -1, -1)


def train_judge(scans: Scans, out: Path, steps: int = STEPS) -> None:
    """Train the classifier and write it to ``out``; prints its accuracy on held-out scans."""
    torch.manual_seed(0)
    judge = DigitsJudge()
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    images, digits = scans.images, scans.facts["digit"]
    for _ in range(steps):
        rows = torch.randint(len(images) - NUM_HELD_OUT, (128,))
        moved = torch.roll(images[rows], tuple(torch.randint(-2, 3, (2,)).tolist()), (2, 3))
        loss = F.cross_entropy(judge.network(moved), digits[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    safetensors.torch.save_file(judge.state_dict(), out)
    seen = judge.eval()(2 * images[-NUM_HELD_OUT:] - 1)["digit"]
    right = float((seen == digits[-NUM_HELD_OUT:]).float().mean())
    print(f"digits judge: {right:.1%} of held-out scans right", flush=True)


def domain_prompts(num: int = 120) -> list[str]:
    """What people ask of such a generator."""
    rng = torch.Generator().manual_seed(1)
    found: dict[str, None] = {}
    while len(found) < num:
        named = {"digit": len(found) % 10}
        for fact in ("stroke", "slant", "shape"):
            if float(torch.rand((), generator=rng)) < 0.3:
                named[fact] = 2 * int(torch.randint(2, (), generator=rng))
        frame = FRAMES[int(torch.randint(len(FRAMES), (), generator=rng))]
        found.setdefault(caption(named, frame))
    return list(found)
