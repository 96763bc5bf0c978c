"""The judges of the demo's recipes: which attributes a picture shows, by a small convnet.

A judge was trained on drawings of the renderer alone (``c2l_demo.make.judge``). It has never seen a
generator, a text or the embedder, so it can score all of them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from c2l.evaluation import Question
from c2l_demo.make.dataset import load_world
from c2l_demo.make.world import Scene, is_held_out

WEIGHTS = Path(__file__).parent / "weights"
SIZE = 64  # what it looks at; the largest that a CPU trains in minutes
WIDTHS = (16, 32, 64, 128)
# Captions are drawn from this and the caller's seed, away from every seed that made the weights.
SALT = 0x6A756467
DRAWING_SIZE = 128


@dataclass(frozen=True)
class DrawnQuestion(Question):
    """A caption, and the scene that it was written for."""

    scene: Scene


class WorldJudge:
    """Asks about a drawn world and judges the answers.

    Args:
        name: ``faces`` or ``landscapes``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def questions(self, num: int, seed: int) -> list[Question]:
        """Different captions that name at least two attributes.

        The embedder was not trained on any of them; the seed picks which.
        """
        world = load_world(self.name)
        rng = np.random.default_rng([seed, SALT])
        found: dict[str, Question] = {}
        while len(found) < num:
            scene = world.sample(rng)
            prompt, named = world.caption(scene, rng)
            if is_held_out(prompt) and len(named) >= 2:
                found.setdefault(prompt, DrawnQuestion(prompt, named, scene))
        return list(found.values())

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Say which value of each attribute pictures show, int64 (B,) each.

        Args:
            images: float32, (B, 3, H, W), H = W, range [-1, 1].
        """
        network = self._network
        logits = network(images.detach().float().cpu().clamp(-1, 1))
        return dict(zip(network.attributes, (x.argmax(1) for x in logits), strict=True))

    def drawings(self, questions: Sequence[Question]) -> Tensor | None:
        """The renderer's own picture of the scene that each caption was written for."""
        world = load_world(self.name)
        scenes = [q.scene for q in questions if isinstance(q, DrawnQuestion)]
        if len(scenes) < len(questions):
            return None
        drawn = [np.asarray(world.render(s, DRAWING_SIZE).convert("RGB")) for s in scenes]
        return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2) / 127.5 - 1

    @functools.cached_property
    def _network(self) -> JudgeNetwork:
        return load_network(WEIGHTS / f"judge-{self.name}.safetensors")


faces = WorldJudge("faces")
landscapes = WorldJudge("landscapes")


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


class JudgeNetwork(nn.Module):
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
        """Write the weights, matrices in 8 bits with a scale for each row.

        The wheel carries two judges; at 16 bits they would be a tenth of it.
        """
        state: dict[str, Tensor] = {}
        for name, value in self.state_dict().items():
            if value.ndim > 1:
                scale = value.flatten(1).abs().amax(1).clamp_min(1e-12) / 127
                shape = (-1, *[1] * (value.ndim - 1))
                state[name] = (value / scale.view(shape)).round().to(torch.int8).contiguous()
                state[f"{name}.scale"] = scale
            elif value.ndim == 1:
                state[name] = value.half()
        about = {"world": world, "attributes": json.dumps(self.attributes)}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(state, about))


def load_network(path: Path) -> JudgeNetwork:
    """Read what ``JudgeNetwork.save`` wrote, in eval mode."""
    with safe_open(path, "pt") as file:
        attributes: dict[str, list[str]] = json.loads(file.metadata()["attributes"])
        stored = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    state = {}
    for name, value in stored.items():
        if name.endswith(".scale"):
            continue
        scale = stored.get(f"{name}.scale")
        shape = (-1, *[1] * (value.ndim - 1))
        state[name] = value if scale is None else value * scale.view(shape)
    network = JudgeNetwork(attributes)
    network.load_state_dict(state, strict=False)  # batch norm's counters are not stored
    return network.eval().requires_grad_(False)
