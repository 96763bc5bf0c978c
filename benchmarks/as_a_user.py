"""What a user gets from ``c2l train`` with its defaults, on generators and embedders of others.

    python benchmarks/as_a_user.py --work DIR > benchmarks/as_a_user.md

Every command runs as a process of its own, and pictures are read from the PNG files that it wrote.
DIR keeps the parts, the priors and the pictures. The parts of *colours* are installed into it, from
``examples`` and PyPI; those of *digits* are a file (``worlds/digits_plugin.py``).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from worlds import open_world
from worlds.colours import EXAMPLES, PACKAGE, VERSION
from worlds.digits_captions import DIGITS
from worlds.measure import pixels_apart
from worlds.options import world_parser

EACH = 32
COLOURS = ("red", "green", "blue", "white", "a dark picture")


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# As a user\n\nMade by `python benchmarks/as_a_user.py --work DIR`.\n")
    print(f"Commands as they are typed, {EACH} pictures of each prompt.")
    for name in options.world or WORLDS:
        print(f"\n## {name}\n")
        WORLDS[name]((options.work / "as_a_user" / name).absolute(), options.work.absolute())


def colours(folder: Path, work: Path) -> None:
    """A public DCGAN with its real weights, and an embedder that sees colours alone."""
    packages = folder / "packages"
    if not packages.exists():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "-t", packages]
        own = [EXAMPLES / name for name in ("c2l-digiface", "c2l-colours")]
        subprocess.run([*install, *own, f"{PACKAGE}=={VERSION}"], check=True)
    shell = Shell(folder, {"PYTHONPATH": str(packages)})
    parts = ("-g", "digiface:faces", "-e", "colours:27", "--num", "20000")
    print(shell.train("faces.safetensors", *parts))
    print("| prompt | red | green | blue |\n| --- | --- | --- | --- |")
    for prompt in COLOURS:
        means = 127.5 * (shell.sample(prompt, "faces.safetensors").mean((0, 2, 3)) + 1)
        print(f"| {prompt} | {' | '.join(f'{value:.0f}' for value in means.tolist())} |")


def digits(folder: Path, work: Path) -> None:
    """A GAN of real handwriting, and a CLIP with a true gap."""
    world = open_world("digits-fixed", work)
    domain = world.domain_file(_made(folder))
    plugin = str(Path(__file__).parent / "worlds" / "digits_plugin.py")
    shell = Shell(folder, {"C2L_PLUGINS": plugin})
    parts = work / "digits"
    generator, embedder = (parts / f"{name}.safetensors" for name in ("generator", "clip-fixed"))
    made = ("-g", f"digits:{generator}", "-e", f"small-clip:{embedder}", "--num", "12000")
    made += ("--pairs", "pairs", "--domain", domain)
    print(shell.train("flow.safetensors", *made))
    print(shell.train("near.safetensors", *made, "--prior", "neighbours"))
    print("| prior | the named digit, % | the worst digit, % | diversity |")
    print("| --- | --- | --- | --- |")
    for file in ("flow.safetensors", "near.safetensors"):
        right, apart = [], []
        for value, word in enumerate(DIGITS):
            images = shell.sample(f"a photo of a {word}", file)
            right.append(float((world.judge(images)["digit"] == value).float().mean()))
            apart.append(float(pixels_apart(images[None])))
        shown = f"{100 * np.mean(right):.1f} | {100 * min(right):.0f} | {np.mean(apart):.3f}"
        print(f"| {file.partition('.')[0]} | {shown} |", flush=True)


WORLDS = {"colours": colours, "digits": digits}


class Shell:
    """Runs commands of c2l in a folder.

    Args:
        folder: where they run.
        about: variables of the environment; a search path is added to the one there is.
    """

    def __init__(self, folder: Path, about: Mapping[str, str]) -> None:
        self.folder = _made(folder)
        paths = [about.get("PYTHONPATH", ""), os.environ.get("PYTHONPATH", "")]
        self.environment = {**os.environ, **about, "C2L_HOME": str(folder / "home")}
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))

    def train(self, out: str, *about: str) -> str:
        """Train a prior unless its file is there; gives the command and what it ended with."""
        command = ["train", *about, "--out", out]
        said = self.folder / f"{out}.txt"
        if not said.exists():
            told = self.run(command).splitlines()
            ended = next(row for row, line in enumerate(told) if " parameters, in " in line)
            said.write_text("\n".join(told[ended:]), encoding="utf-8")
        shown = shlex.join(["c2l", *command]).replace(str(self.folder.parents[1]), "DIR")
        return f"```\n{shown}\n{said.read_text(encoding='utf-8').strip()}\n```\n"

    def sample(self, prompt: str, prior: str) -> Tensor:
        """Pictures of a prompt, (EACH, 3, H, W), drawn unless they are there."""
        out = self.folder / f"{prior.partition('.')[0]}-{prompt.replace(' ', '-')}"
        if not out.exists():
            seeds = ["--seeds", f"0-{EACH - 1}", "--out", str(out)]
            self.run(["sample", prompt, "-p", f"./{prior}", *seeds])
        files = [out / f"{out.name.partition('-')[2]}-s{seed}.png" for seed in range(EACH)]
        read = [torch.from_numpy(np.array(Image.open(file).convert("RGB"))) for file in files]
        return torch.stack(read).permute(0, 3, 1, 2) / 127.5 - 1

    def run(self, command: Sequence[str]) -> str:
        """What a command says."""
        done = subprocess.run(
            [sys.executable, "-m", "c2l", *command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
