"""What choosing a bridge takes beside training, and ``flow`` beside the recipe of 2022.

    python benchmarks/choice_time.py --work DIR > benchmarks/choice_time.md

DIR is that of ``resistance.py``, whose pairs and priors it takes. A minute of one core, which is to
have nothing else to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from resistance import AUTO, BATCH, PROMPT_SEED, STEPS, Bench, pairs_of, trained
from torch.nn.utils import clip_grad_norm_
from worlds import WORLDS, World, open_world
from worlds.options import world_parser

import c2l
from c2l import Prior
from c2l.prompts.domains import find_domain
from c2l.training.choosing import choose_settings
from c2l.training.priors import new_prior
from c2l.training.validation import Validator

TIMED = ("digits-fixed", "faces-gan-fixed", "faces")
RECIPE = "2022 recipe, 1000 steps"
LATENTS = 240
TRIED_STEPS = 50
"""Of training: the rest takes as long."""


def seconds(work: Callable[[], object]) -> float:
    """That some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def drawing(world: World, prior: Prior) -> float:
    """Milliseconds of one latent."""
    prompts = [question.prompt for question in world.judge.questions(15, PROMPT_SEED)]
    with torch.no_grad():
        asked = world.embedder.embed_text(prompts).float()
    asked = asked.repeat_interleave(LATENTS // len(asked), dim=0)
    prior.sample(asked[:16], seeds=range(16))
    return 1000 * seconds(lambda: prior.sample(asked, seeds=range(len(asked)))) / len(asked)


def training(prior: Prior, pairs: c2l.Pairs) -> float:
    """Seconds of all steps of a prior that has been fitted."""
    optimiser = torch.optim.AdamW(prior.parameters(), 1e-3, fused=True)
    rng = torch.Generator().manual_seed(0)

    def some(steps: int) -> None:
        for _ in range(steps):
            rows = torch.randint(len(pairs), (BATCH,), generator=rng)
            loss = prior.training_loss(pairs.embeddings[rows], pairs.latents[rows], rng)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(prior.parameters(), 1.0)
            optimiser.step()

    some(5)
    return seconds(lambda: some(TRIED_STEPS)) * STEPS / TRIED_STEPS


def row(bench: Bench) -> list[str]:
    """Of a world."""
    world = open_world(bench.name, bench.work)
    pairs = pairs_of(bench, world)
    flow, recipe = trained(bench, world, AUTO), trained(bench, world, RECIPE)
    recipe.config = recipe.Settings(**{**recipe.settings(), "steps": 1000})
    each, its = drawing(world, flow), drawing(world, recipe)

    domain = find_domain(world.domain_file(bench.folder), "").readable(world.embedder)
    with torch.no_grad():
        texts = world.embedder.embed_text(domain.for_fitting).float()
    open_prior = new_prior("flow", {}, pairs.manifest, 0)
    open_prior.fit(pairs.embeddings, pairs.latents, texts)
    steps = training(open_prior, pairs)
    # As it was at the end of its training: only then do its pictures say anything.
    learnt = {k: v for k, v in flow.state_dict().items() if not k.startswith("gap.")}
    open_prior.load_state_dict(learnt, strict=False)
    open_prior.eval().requires_grad_(False)
    validator = Validator(world.generator, world.embedder, domain, pairs.manifest.repeats)
    choosing = seconds(lambda: choose_settings(open_prior, validator, pairs.embeddings, texts))
    return [
        bench.name,
        f"{choosing:.1f}",
        f"{steps:.0f}",
        f"{choosing / (choosing + steps):.1%}",
        f"{each:.3f}",
        f"{its:.2f}",
        f"1/{its / each:.0f}",
    ]


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# Time of the choice, and of one latent\n")
    version = torch.__version__.partition("+")[0]
    print(f"Made by `python benchmarks/choice_time.py --work DIR`, torch {version}, on one")
    print("core; nothing else ran.\n")
    print(f"Choosing among all bridges, beside {STEPS:,} steps of training; and one of {LATENTS}")
    print("latents by what was trained, and by 1000 steps of the recipe of 2022.\n")
    heads = ("choice, s", "training, s", "part of both", "flow, ms", "recipe, ms", "part")
    print(f"| world | {' | '.join(heads)} |")
    print("| --- " * (len(heads) + 1) + "|")
    for name in options.world or TIMED:
        print(f"| {' | '.join(row(Bench(name, options.work)))} |", flush=True)


if __name__ == "__main__":
    main()
