"""How many of the attributes that a prompt names are in the picture, on both demo worlds.

    python benchmarks/demo_quality.py --work DIR > benchmarks/demo_quality.md

The prompts are captions that the demo's embedder was never trained on. The judge is a classifier
trained on the renderer's drawings alone: it has seen neither the generator nor any prior. DIR keeps
the pairs and the two priors that are not shipped (mlp, neighbours) from run to run.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import c2l
from c2l_demo.make.dataset import load_world
from c2l_demo.make.judge import load_judge
from c2l_demo.make.world import Scene, World, is_held_out

JUDGES = Path(__file__).parent / "judges"
NUM_PAIRS = 40_000
BEST_OF = 8


@dataclass(frozen=True)
class Question:
    prompt: str
    named: dict[str, int]
    scene: Scene


def questions(world: World, num: int) -> list[Question]:
    """Held-out captions that name at least two attributes, no two the same."""
    rng = np.random.default_rng(20_221_125)
    found: dict[str, Question] = {}
    while len(found) < num:
        scene = world.sample(rng)
        prompt, named = world.caption(scene, rng)
        if is_held_out(prompt) and len(named) >= 2:
            found.setdefault(prompt, Question(prompt, named, scene))
    return list(found.values())


@dataclass(frozen=True)
class Score:
    """Shares of named attributes that are in the picture, one number for each question."""

    shares: list[float]
    whole: list[bool]
    by_attribute: dict[str, float]

    def row(self, name: str) -> str:
        mean, error = _mean_and_error(self.shares)
        whole, whole_error = _mean_and_error([float(w) for w in self.whole])
        return (
            f"| {name} | {100 * mean:.1f} ± {100 * error:.1f} "
            f"| {100 * whole:.1f} ± {100 * whole_error:.1f} |"
        )


def _mean_and_error(values: list[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def score(
    asked: list[Question], images: Tensor, judge: Callable[[Tensor], dict[str, Tensor]]
) -> Score:
    seen = {name: values.tolist() for name, values in judge(images).items()}
    right = [{a: seen[a][i] == v for a, v in q.named.items()} for i, q in enumerate(asked)]
    by_attribute = {}
    for name in seen:
        named = [r[name] for r in right if name in r]
        by_attribute[name] = sum(named) / len(named) if named else math.nan
    return Score(
        [sum(r.values()) / len(r) for r in right], [all(r.values()) for r in right], by_attribute
    )


def other_priors(name: str, pipeline: c2l.Pipeline, work: Path) -> dict[str, c2l.Prior]:
    """The priors that the demo does not ship, made once from pairs of the shipped parts."""
    pairs = c2l.build_pairs(pipeline.generator, pipeline.embedder, NUM_PAIRS, work / name)
    made = {}
    for kind in ("mlp", "neighbours"):
        file = work / f"{kind}-{name}.safetensors"
        if not file.exists():
            c2l.train_prior(kind, pairs, file)
        made[kind] = c2l.load_prior(str(file))
    return made


def as_images(asked: list[Question], world: World) -> Tensor:
    drawn = np.stack([np.asarray(world.render(q.scene, 128)) for q in asked])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1


def measure(name: str, num: int, work: Path) -> None:
    world = load_world(name)
    judge = load_judge(JUDGES / f"{name}.safetensors")
    asked = questions(world, num)
    prompts = [q.prompt for q in asked]
    shipped = c2l.load_pipeline(f"demo-{name}")
    generator, embedder = shipped.generator, shipped.embedder

    def draw(prior: c2l.Prior, best_of: int) -> Tensor:
        pipeline = c2l.Pipeline(generator, embedder, prior, settings=shipped.settings)
        rows = [
            pipeline(prompt, seeds=[i], best_of=best_of).images for i, prompt in enumerate(prompts)
        ]
        return torch.cat(rows)

    @torch.inference_mode()
    def random_best(best_of: int) -> Tensor:
        rows = []
        for i, prompt in enumerate(prompts):
            images = generator.synthesize(
                generator.sample_latents([1_000_000 + i * best_of + k for k in range(best_of)])
            )
            cosine = torch.cosine_similarity(
                embedder.embed_images(images), embedder.embed_text([prompt])
            )
            rows.append(images[cosine.argmax()])
        return torch.stack(rows)

    rows = {"the renderer's own drawing": score(asked, as_images(asked, world), judge)}
    priors = {"flow (shipped)": shipped.prior, **other_priors(name, shipped, work)}
    for label, prior in priors.items():
        rows[label] = score(asked, draw(prior, 1), judge)
    rows["random latents"] = score(asked, random_best(1), judge)
    for label, prior in priors.items():
        if label != "mlp":  # one answer for each prompt: nothing to choose from
            rows[f"{label}, best of {BEST_OF}"] = score(asked, draw(prior, BEST_OF), judge)
    rows[f"random latents, best of {BEST_OF}"] = score(asked, random_best(BEST_OF), judge)

    named = sum(len(q.named) for q in asked) / len(asked)
    print(f"\n## demo-{name}\n")
    print(f"{num} held-out captions, {named:.1f} attributes named in each; per cent, ± one")
    print("standard error.\n")
    print("| latents from | named attributes in the picture | all of them |")
    print("| --- | --- | --- |")
    for label, result in rows.items():
        print(result.row(label))
    flow = rows["flow (shipped)"].by_attribute
    shares = [f"{attribute} {100 * value:.0f}" for attribute, value in flow.items()]
    print(f"\nflow, one sample, by attribute: {', '.join(shares)}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps pairs and priors")
    parser.add_argument("--num", type=int, default=200, help="captions for each world")
    parser.add_argument("--world", choices=("faces", "landscapes"), action="append")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print("# Demo quality\n\nMade by `python benchmarks/demo_quality.py --work DIR`.")
    for name in options.world or ("faces", "landscapes"):
        measure(name, options.num, options.work)


if __name__ == "__main__":
    main()
