"""The judges of the demo's recipes: which attributes a picture shows, by a small convnet.

A judge was trained on drawings of the renderer alone. It has never seen a generator, a text or the
embedder, so it can score all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from c2l import Question
from c2l_demo import WEIGHTS
from c2l_demo.judge_network import JudgeNetwork, load_network
from c2l_demo.worlds import FACES, LANDSCAPES, Scene, World, is_held_out

# Captions are drawn from this and the caller's seed, away from every seed that made the weights.
SALT = 0x6A756467
DRAWING_SIZE = 128


@dataclass(frozen=True)
class DrawnQuestion(Question):
    """A caption, and the scene that it was written for."""

    scene: Scene


class WorldJudge:
    """Asks about a drawn world and judges the answers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def questions(self, num: int, seed: int) -> list[Question]:
        """Different captions that name at least two attributes.

        The embedder was not trained on any of them; the seed picks which.
        """
        rng = np.random.default_rng([seed, SALT])
        found: dict[str, Question] = {}
        while len(found) < num:
            scene = self.world.sample(rng)
            prompt, named = self.world.caption(scene, rng)
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
        scenes = [q.scene for q in questions if isinstance(q, DrawnQuestion)]
        if len(scenes) < len(questions):
            return None
        drawn = [np.asarray(self.world.render(s, DRAWING_SIZE).convert("RGB")) for s in scenes]
        return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2) / 127.5 - 1

    @functools.cached_property
    def _network(self) -> JudgeNetwork:
        return load_network(WEIGHTS / f"judge-{self.world.name}.safetensors")


faces = WorldJudge(FACES)
landscapes = WorldJudge(LANDSCAPES)
