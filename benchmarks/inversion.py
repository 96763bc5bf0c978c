"""Inversion against StyleGAN2's projector, in equal time by the processor's clock.

    python benchmarks/inversion.py --num 10 --seconds 1 2 --to inversion.jsonl
    python benchmarks/inversion.py --table inversion.jsonl

Several processes share the photos, each with a file of its own: ``--share 0 12 --to 0.jsonl``,
``--share 1 12 --to 1.jsonl``, …, and ``--table *.jsonl``. To choose the projector's step size takes
longer than a photo; they are kept beside the files. Start the others once step-sizes.json is there.

Photos are renders that the demo's generator made, and drawings of the same world that it never
made. Measured rows are appended, and those that are there are not measured again: it can be
interrupted, and a larger ``--num`` goes on.

The projector is that of the paper (Karras et al. 2020, arXiv 1912.04958, appendix D), written anew:
from the mean w, with noise on w that fades over the first three quarters and the ramps of its step
size. Its LPIPS needs a network that is not at hand here: both use the same distance. The demo's
generator has no noise inputs, and so nothing to regularise. Its step size suits 512 numbers; the
best of 0.03, 0.1 and 0.3 on five other pictures is taken, so that it is not at a loss here.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

import c2l
from c2l.editing.inversion import Distance, invert
from c2l.images import to_pil
from c2l.photos import Fitted, Photo, photo_of
from c2l_demo.judge import faces as judge
from c2l_demo.worlds import FACES
from c2l_demo_workshop.dataset import SPLITS, draw_scene

STEP_SIZES = (0.03, 0.1, 0.3)
SHARE_OF_NOISE, NOISE_UNTIL, RISE, FALL = 0.05, 0.75, 0.05, 0.25
FIRST_SEED = 1_000_000

Answer = tuple[Tensor, tuple[int, ...]]
Method = Callable[[c2l.Pipeline, Fitted, int], Answer]


def ours(space: str) -> Method:
    def run(pipeline: c2l.Pipeline, photo: Fitted, steps: int) -> Answer:
        found = invert(pipeline, photo, space=space, steps=steps)  # type: ignore[arg-type]
        return found.latents[None], found.repeats

    return run


def projector(space: str, step_size: float = 0.1) -> Method:
    def run(pipeline: c2l.Pipeline, photo: Fitted, steps: int) -> Answer:
        generator = pipeline.generator
        own, distance = generator.latent_space, Distance(photo, generator.device)
        drawn = generator.sample_latents(range(1000))
        mean = drawn.mean(dim=0, keepdim=True)
        scale = float((drawn - mean).square().sum(dim=(1, 2)).mean().sqrt())
        repeats = own.repeats if space == "w" else (1,) * own.num_layers
        latents = (mean if space == "w" else own.expand(mean)).clone().requires_grad_()
        adam = torch.optim.Adam([latents], lr=step_size)
        rng = torch.Generator().manual_seed(0)
        for step in range(steps):
            done = step / steps
            fall = (1 - math.cos(math.pi * min(1.0, (1 - done) / FALL))) / 2
            adam.param_groups[0]["lr"] = step_size * fall * min(1.0, done / RISE)
            noise = SHARE_OF_NOISE * scale * max(0.0, 1 - done / NOISE_UNTIL) ** 2
            noisy = latents + noise * torch.randn(latents.shape, generator=rng)
            loss = distance(generator.synthesize(noisy, repeats=repeats)).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
        return latents.detach(), repeats

    return run


def photos(pipeline: c2l.Pipeline, kind: str, num: int) -> Iterator[Photo]:
    """Pictures that the generator made, or drawings that it never made nor saw."""
    for i in range(num):
        if kind == "made":
            latents = pipeline.generator.sample_latents([FIRST_SEED + i])
            yield photo_of(to_pil(pipeline.generator.synthesize(latents)[0]))
        else:
            yield photo_of(FACES.render(draw_scene(FACES, SPLITS["test"], i), 128).convert("RGB"))


@torch.no_grad()
def measure(pipeline: c2l.Pipeline, photo: Fitted, answer: Answer) -> dict[str, float]:
    image = pipeline.generator.synthesize(answer[0], repeats=answer[1])
    seen = [pipeline.embedder.embed_images(x) for x in (image, photo.pixels)]
    said = [judge(x) for x in (image, photo.pixels)]
    return {
        "distance": float(Distance(photo, image.device)(image)),
        "rmse": float((image.clamp(-1, 1) - photo.pixels).square().mean().sqrt()) / 2,
        "cosine": float(cosine_similarity(*seen)),
        "judge": fmean(float(said[0][name] == said[1][name]) for name in said[0]),
    }


def seconds_of(method: Method, pipeline: c2l.Pipeline, photo: Fitted, steps: int) -> float:
    begun = time.process_time()
    method(pipeline, photo, steps)
    return time.process_time() - begun


def steps_within(method: Method, pipeline: c2l.Pipeline, photo: Fitted, seconds: float) -> int:
    """As many steps as fit into a time; what comes before the first one counts."""
    few, many = (min(seconds_of(method, pipeline, photo, n) for _ in range(3)) for n in (5, 25))
    return max(1, int(5 + (seconds - few) / ((many - few) / 20)))


def best_step_size(pipeline: c2l.Pipeline, space: str) -> float:
    others = [p.fitted(pipeline.generator.image_size) for p in photos(pipeline, "drawn", 55)][50:]

    def reached(size: float) -> float:
        method = projector(space, size)
        return fmean(measure(pipeline, p, method(pipeline, p, 75))["distance"] for p in others)

    return min(STEP_SIZES, key=reached)


def chosen_step_size(pipeline: c2l.Pipeline, space: str, kept: Path) -> float:
    """``best_step_size``, looked for once in a folder."""
    sizes = json.loads(kept.read_text()) if kept.exists() else {}
    if space not in sizes:
        sizes[space] = best_step_size(pipeline, space)
        kept.write_text(json.dumps(sizes))
    return float(sizes[space])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--num", type=int, default=10)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 2.0])
    parser.add_argument("--spaces", nargs="+", default=["w", "w+"])
    parser.add_argument("--to", type=Path)
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("K", "OF"))
    parser.add_argument("--table", type=Path, nargs="+")
    options = parser.parse_args()
    if options.table:
        lines = [line for path in options.table for line in path.read_text().splitlines()]
        print(table([json.loads(line) for line in lines]))
        return
    torch.set_num_threads(1)
    pipeline = c2l.load_pipeline("demo-faces", device="cpu")
    size = pipeline.generator.image_size
    before = options.to.read_text().splitlines() if options.to.exists() else []
    keys = ("kind", "index", "method", "space", "seconds")
    done = {tuple(json.loads(line)[key] for key in keys) for line in before}
    (probe,) = [p.fitted(size) for p in photos(pipeline, "made", 1)]
    methods = {}
    for space in options.spaces:
        methods["c2l", space] = ours(space)
        step_size = chosen_step_size(pipeline, space, options.to.with_name("step-sizes.json"))
        methods["projector", space] = projector(space, step_size)
    for seconds in options.seconds:
        steps = {key: steps_within(m, pipeline, probe, seconds) for key, m in methods.items()}
        print(seconds, steps, flush=True)
        kinds = [photos(pipeline, kind, options.num) for kind in ("made", "drawn")]
        for index, pair in enumerate(zip(*kinds, strict=True)):
            if index % options.share[1] != options.share[0]:
                continue
            for kind, photo in zip(("made", "drawn"), pair, strict=True):
                for (name, space), method in methods.items():
                    if (kind, index, name, space, seconds) in done:
                        continue
                    fitted = photo.fitted(size)
                    begun = time.process_time()
                    answer = method(pipeline, fitted, steps[name, space])
                    took = time.process_time() - begun
                    row = dict(zip(keys, (kind, index, name, space, seconds), strict=True))
                    row |= {"steps": steps[name, space], "took": round(took, 2)}
                    row |= {k: round(v, 5) for k, v in measure(pipeline, fitted, answer).items()}
                    with options.to.open("a") as file:
                        file.write(json.dumps(row) + "\n")


def table(rows: list[dict]) -> str:
    """Means by photos, seconds and method."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        key = (row["kind"], row["seconds"], row["space"], row["method"])
        groups.setdefault(key, []).append(row)
    lines = [
        "| photos | seconds | method | in | steps | took | distance | RMSE | cosine | judge |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (kind, seconds, space, method), some in sorted(groups.items(), reverse=True):
        mean = {k: fmean(r[k] for r in some)
                for k in ("steps", "took", "distance", "rmse", "cosine", "judge")}  # fmt: skip
        lines.append(
            f"| {len(some)} {kind} | {seconds:g} | {method} | {space} | {mean['steps']:.0f} | "
            f"{mean['took']:.2f} | {mean['distance']:.4f} | {mean['rmse']:.4f} | "
            f"{mean['cosine']:.4f} | {100 * mean['judge']:.1f} % |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
