"""Make the worlds that resist, unless they are there.

    python benchmarks/make_world.py --work DIR --world digits-fixed

DIR keeps their weights from run to run. On one core of its own, ``colours`` takes a minute, a first
world of ``digits`` a quarter of an hour, of ``faces-gan`` half an hour; each further CLIP, or a
training on with style mixing, some minutes.
"""

from __future__ import annotations

import torch
from worlds import MIXED, WORLDS, open_world
from worlds.options import world_parser


def main() -> None:
    options = world_parser(__doc__, [*WORLDS, *MIXED]).parse_args()
    torch.set_num_threads(1)
    for name in options.world or [*WORLDS, *MIXED]:
        world = open_world(name, options.work)
        print(f"{name}: {world.generator}, {world.embedder}, {len(world.domain)} prompts")


if __name__ == "__main__":
    main()
