"""The small networks of tests/data/gans, and what the official code drew with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import safe_open

import c2l

DATA = Path(__file__).parent / "data" / "gans"
FAMILIES = sorted(folder.name for folder in DATA.iterdir())
ONE_OF_EACH = sorted(
    {*FAMILIES}
    - {"biggan_cifar", "biggan_port", "dcgan_zoo", "eg3d", "lucidrains_rgba", "progan_genforce"}
    - {"progan_zoo", "r3gan", "stylegan1_genforce", "stylegan1_rosinality"}
)
"""Without those whose network another one has as well, in a file of another layout."""
CLOSE = 1e-4
"""Of an image's standard deviation."""


class Golden:
    """What the official code wrote and drew."""

    def __init__(self, name: str) -> None:
        with safe_open(DATA / name / "golden.safetensors", framework="pt") as file:
            facts = file.metadata()
            self.tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        self.path = DATA / name / facts["file"]
        self.stride, self.std = int(facts["stride"]), float(facts["std"])


def opened(path: str | Path) -> Any:
    """The generator in a file; what it has besides a generator's methods differs by family."""
    return c2l.load_generator(str(path))
