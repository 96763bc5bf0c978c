"""Walks and variations: how even their steps look, and what lies between two pictures.

    OMP_NUM_THREADS=1 python benchmarks/walks.py > benchmarks/walks.md

Prompts are held-out captions of the demo's grammars, two for each walk. The latents of the demo's
generators are codes, so it can be read off whether an attribute of a frame is a value or a blend.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

import c2l
from c2l.evaluation import Judge, find_judge
from c2l_demo.worlds import FACES, LANDSCAPES, World

PROMPT_SEED = 23
FRAMES = 60
AMOUNTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
NUM_VARIATIONS = 8

LENGTH = 2.0
"""Of a one-hot code in w."""

CLEAR = 0.8
"""An attribute shows a value if one entry of its code has this share of the whole."""

WORLDS = {"demo-faces": FACES, "demo-landscapes": LANDSCAPES}


def blended(world: World, latents: Tensor) -> Tensor:
    """How many attributes of latents (B, L, D) are neither one value nor another, (B,)."""
    sizes = [len(attribute.values) for attribute in world.attributes]
    codes = latents[:, 0, : sum(sizes)].split(sizes, dim=1)
    return torch.stack([code.amax(dim=1) < CLEAR * LENGTH for code in codes]).sum(dim=0)


def steps_of(result: c2l.Result) -> Tensor:
    return normalize(result.image_embeddings, dim=1).diff(dim=0).norm(dim=1)


def walks(recipe: str, prompts: Sequence[str]) -> None:
    world, pipeline = WORLDS[recipe], c2l.load_pipeline(recipe, device="cpu")
    ends = list(zip(prompts[::2], prompts[1::2], strict=True))
    print(f"\n## {recipe}: {len(ends)} walks of {FRAMES} frames\n")
    print(
        "| path | frames spaced by | largest step / median | the worst walk | attributes blended |"
    )
    print("| --- | --- | --- | --- | --- |")
    for path in ("prior", "slerp", "linear"):
        for spacing in ("seen", "path"):
            ratios, blends = [], []
            for number, pair in enumerate(ends):
                seeds = [2 * number, 2 * number + 1]
                drawn = pipeline.walk(
                    list(pair), frames=FRAMES, path=path, spacing=spacing, seeds=seeds
                ).draw()
                steps = steps_of(drawn)
                ratios.append(float(steps.max() / steps.median()))
                blends.append(float(blended(world, drawn.latents).float().mean()))
            best = "**" if (path, spacing) == ("prior", "seen") else ""
            print(f"| {best}{path}{best} | {spacing} | {np.median(ratios):.2f} | {max(ratios):.2f} "
                  f"| {np.mean(blends):.2f} of {len(world.attributes)} |")  # fmt: skip


def variations(recipe: str, prompts: Sequence[str], judge: Judge) -> None:
    world, pipeline = WORLDS[recipe], c2l.load_pipeline(recipe, device="cpu")
    print(f"\n### Neighbours of {len(prompts)} pictures, {NUM_VARIATIONS} of each\n")
    print("| amount | seen distance | attributes kept, % | attributes blended "
          "| blended straight to the fresh sample |")  # fmt: skip
    print("| --- | --- | --- | --- | --- |")
    starts = [pipeline(prompt, seed=number)[0] for number, prompt in enumerate(prompts)]
    fresh = [start.vary(1, num=NUM_VARIATIONS).draw() for start in starts]
    for amount in AMOUNTS:
        rows: dict[str, list[Any]] = {"seen": [], "kept": [], "blended": [], "straight": []}
        for start, others in zip(starts, fresh, strict=True):
            drawn = start.vary(amount, num=NUM_VARIATIONS).draw()
            own = pipeline.embedder.embed_images(start.image[None])
            away = normalize(drawn.image_embeddings, dim=1) - normalize(own, dim=1)
            rows["seen"].append(float(away.norm(dim=1).mean()))
            before, after = judge(start.image[None]), judge(drawn.images)
            kept = [float((after[name] == before[name]).float().mean()) for name in before]
            rows["kept"].append(float(np.mean(kept)))
            rows["blended"].append(float(blended(world, drawn.latents).float().mean()))
            straight = torch.lerp(start.latents.expand_as(others.latents), others.latents, amount)
            rows["straight"].append(float(blended(world, straight).float().mean()))
        seen, kept, own_blend, straight_blend = (np.mean(rows[name]) for name in rows)
        print(f"| {amount} | {seen:.2f} | {100 * kept:.0f} | {own_blend:.2f} "
              f"| {straight_blend:.2f} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=20, help="walks in each world")
    num = parser.parse_args().num
    print("# Walks\n\nMade by `OMP_NUM_THREADS=1 python benchmarks/walks.py`, on a CPU")
    print(
        f"({platform.machine()}), torch {torch.__version__.partition('+')[0]}. Steps are distances"
    )
    print("of unit embeddings of frames. An attribute is blended where no entry of its code has")
    print(f"{100 * CLEAR:.0f} % of the whole.")
    for recipe in WORLDS:
        judge = find_judge(f"stylegan:{recipe}")
        assert judge is not None
        prompts = [question.prompt for question in judge.questions(2 * num, PROMPT_SEED)]
        walks(recipe, prompts)
        variations(recipe, prompts[:num], judge)


if __name__ == "__main__":
    main()
