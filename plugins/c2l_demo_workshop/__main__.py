"""Make the demo's weights. Each step can be run alone; `all` runs them in order."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from c2l_demo import WEIGHTS
from c2l_demo.worlds import WORLDS
from c2l_demo_workshop import dataset, shipped


def render(args: argparse.Namespace) -> None:
    """Draw the training and test pictures of the worlds."""
    for name in args.world or WORLDS:
        for split, seed in dataset.SPLITS.items():
            num = dataset.NUM[name, split]
            started = time.time()
            for done in dataset.render(
                name, num, seed, args.work / f"{name}-{split}", workers=args.workers
            ):
                if done % 2000 == 0:
                    rate = done / (time.time() - started)
                    print(f"[render] {name} {split} {done}/{num} {rate:.0f}/s", flush=True)
        (args.work / f"{name}.rendered").touch()


def clip(args: argparse.Namespace) -> None:
    """Train the embedder."""
    from c2l_demo_workshop import clip

    clip.run(args.work, args.out / "clip", args.phase or ())


def judge(args: argparse.Namespace) -> None:
    """Train the judges."""
    from c2l_demo_workshop import judge

    for name in args.world or WORLDS:
        judge.train(args.work, name, args.out / f"judge-{name}.safetensors")


def generator(args: argparse.Namespace) -> None:
    """Distil the renderers into generators."""
    from c2l_demo_workshop import generator

    for name in args.world or WORLDS:
        generator.train(name, args.work, args.out / f"{name}.safetensors")
        generator.refine(name, args.work, args.out / f"{name}.safetensors")


def redraw(args: argparse.Namespace) -> None:
    """Draw training scenes with the generators, for the later phases of `clip`."""
    from c2l_demo_workshop.generated import NUM, redraw

    for name in args.world or WORLDS:
        weights = args.out / f"{name}.safetensors"
        redraw(weights, args.work / f"{name}-train", args.work / f"{name}-generated", NUM[name])


def priors(args: argparse.Namespace) -> None:
    """Train the priors without text, from pairs of the generators and the embedder."""
    import c2l

    # Shipped weights go by their names, so that the priors ask for the parts people have.
    ships = args.out == WEIGHTS
    folder = (args.out / "clip").resolve()
    embedder = c2l.load_embedder("openclip:demo" if ships else f"openclip:{folder}")
    for name in args.world or WORLDS:
        file = (args.out / f"{name}.safetensors").resolve()
        drawer = c2l.load_generator(f"stylegan:demo-{name}" if ships else f"stylegan:{file}")
        pairs = c2l.build_pairs(drawer, embedder, shipped.NUM_PAIRS, args.work / f"{name}-pairs")
        c2l.train_prior(
            "flow",
            pairs,
            args.out / f"flow-{name}.safetensors",
            generator=drawer,
            embedder=embedder,
            domain=name,
            settings=dict(shipped.SETTINGS[name]),
            steps=shipped.STEPS,
            patience=shipped.PATIENCE,
            half=True,
        )


# In the order in which they need each other.
STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "render": render,
    "judge": judge,
    "generator": generator,
    "redraw": redraw,
    "clip": clip,
    "priors": priors,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the steps that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m c2l_demo_workshop", description=__doc__)
    parser.add_argument("step", choices=(*STEPS, "all"), nargs="+")
    parser.add_argument("--work", type=Path, required=True, help="folder for intermediate files")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the weights")
    parser.add_argument("--world", action="append", choices=WORLDS, help="only this world")
    parser.add_argument("--phase", action="append", help="clip: only this phase")
    parser.add_argument("--workers", type=int, default=0, help="render: processes (0: all cores)")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    args = parser.parse_args(argv)
    args.work.mkdir(parents=True, exist_ok=True)
    names = list(STEPS) if "all" in args.step else args.step
    if names != ["render"]:
        import torch

        torch.set_num_threads(args.threads)
    for name in names:
        STEPS[name](args)


if __name__ == "__main__":
    main()
