"""Make a world that resists, unless it is there: ``colours`` in a minute, ``digits`` in twenty.

    python benchmarks/make_world.py digits --work DIR

DIR keeps its weights from run to run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from worlds import WORLDS, open_world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("world", choices=WORLDS)
    parser.add_argument("--work", type=Path, required=True, help="keeps what was made")
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = open_world(options.world, options.work)
    print(f"{options.world}: {world.generator}, {world.embedder}, {len(world.domain)} prompts")


if __name__ == "__main__":
    main()
