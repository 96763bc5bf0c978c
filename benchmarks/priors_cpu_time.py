"""How long priors of the size for FFHQ take on one CPU thread, beside the authors' as it was coded.

    python benchmarks/priors_cpu_time.py --original DIR > benchmarks/priors_cpu_time.md

DIR holds the original network, see ``prior_cpu.py``. One picture, 512 -> 512 latents, embeddings
as wide as those of ViT-B/32, random weights: the time does not depend on them. The original draws
as in the authors' demo: four steps of ``skip`` with guidance 2, two calls of the network for each.
Ours have the sizes that training suggests for a million pairs, and their default settings. All
take turns in one process, so that other load on the machine meets them alike; the median is that
of the process's own CPU time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from prior_cpu import STEPS, WIDTH, draw_original, measure, original_network, ours
from torch import Tensor

import c2l
from c2l_priors.flow import FlowPrior
from c2l_priors.mlp import MLPPrior
from c2l_priors.onestep import OneStepPrior

NUM_PAIRS = 1_000_000
KINDS: dict[str, type[c2l.Prior]] = {"flow": FlowPrior, "onestep": OneStepPrior, "mlp": MLPPrior}


def untrained(kind: str) -> c2l.Prior:
    """A prior of the size for a million pairs, fitted to numbers that mean nothing."""
    widths = {"embedding_width": WIDTH, "num_codes": 1, "latent_width": WIDTH}
    rng = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    prior = KINDS[kind](**widths, **KINDS[kind].suggest_settings(NUM_PAIRS, **widths))
    prior.fit(torch.randn(64, WIDTH, generator=rng), torch.randn(64, 1, WIDTH, generator=rng))
    return prior.eval().requires_grad_(False)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--original", type=Path, required=True, help="where dalle2-pytorch lies")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()

    torch.set_num_threads(1)
    network = original_network(args.original)
    diffusion = ours(network)
    priors = {kind: untrained(kind) for kind in KINDS}
    rng = torch.Generator().manual_seed(1)
    embedding = torch.randn(1, WIDTH, generator=rng) * 10 / WIDTH**0.5
    noise = [torch.randn(1, WIDTH, generator=rng) for _ in range(STEPS + 1)]

    def draw(prior: c2l.Prior) -> Callable[[], Tensor]:
        return lambda: prior.sample(embedding, seeds=[0])

    variants = {
        "the authors', 4 steps": lambda: draw_original(network, diffusion, embedding, noise),
        **{kind: draw(prior) for kind, prior in priors.items()},
    }
    spent, _ = measure(variants, args.rounds)
    sizes = {"the authors', 4 steps": network, **priors}
    reference = spent["the authors', 4 steps"]
    print("# Time of priors on the CPU\n")
    print("Made by `python benchmarks/priors_cpu_time.py --original DIR`: one")
    print(f"picture at FFHQ size, 1 thread, torch {torch.__version__}, median of {args.rounds}.\n")
    print("| prior | million parameters | ms CPU | part of the authors' |")
    print("| --- | --- | --- | --- |")
    for name, milliseconds in spent.items():
        num = sum(p.numel() for p in sizes[name].parameters())
        part = f"1/{reference / milliseconds:.0f}"
        print(f"| {name} | {num / 1e6:.1f} | {milliseconds:.1f} | {part} |")


if __name__ == "__main__":
    main()
