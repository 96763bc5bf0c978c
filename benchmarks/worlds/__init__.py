"""Worlds that resist: generators and embedders nobody made for each other, with a known truth.

The demo's worlds are kind: w is nearly the list of a scene's attributes, and their CLIP has hardly
a gap. These are not. Each is made on demand in a folder of the caller's, by one command
(``make_world.py``), and holds what a prior is trained with and judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import c2l
from c2l import Embedder, Generator
from c2l.evaluation.judge import Judge
from worlds.digits_scans import Scans, read_scans


@dataclass(frozen=True)
class World:
    """What a prior of one world is trained with and judged by.

    Args:
        generator, embedder: the parts.
        judge: asks for things, and sees which of them a picture shows.
        domain: prompts that people ask of such a generator; none of them has to be the judge's.
    """

    generator: Generator
    embedder: Embedder
    judge: Judge
    domain: Sequence[str]

    def domain_file(self, work: Path) -> str:
        """The domain as ``c2l train`` takes it: a text file, written if it is not there."""
        file = work / "domain.txt"
        file.write_text("\n".join(self.domain) + "\n", encoding="utf-8")
        return str(file)


def open_world(name: str, work: Path) -> World:
    """The world of a name, made in ``work`` if it is not there."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    return WORLDS[name](folder)


def _colours(work: Path) -> World:
    from worlds import colours

    weights = work / "dcgan.tar"
    if not weights.exists():
        colours.fetch_weights(work)
    return World(
        colours.PublicDCGAN.read(weights),
        colours.ColourEmbedder().eval(),
        colours.ColourJudge(),
        colours.domain_prompts(),
    )


def _digits(work: Path) -> World:
    from worlds.digits_clip import DigitsEmbedder, train_embedder
    from worlds.digits_gan import DigitsGenerator, train_generator
    from worlds.digits_judge import DigitsJudge, domain_prompts, train_judge

    # Both worlds have one generator and one judge.
    shared = work.parent / "digits"
    shared.mkdir(exist_ok=True)
    train = partial(train_embedder, gap=work == shared)
    files: dict[Path, Callable[[Scans, Path], None]] = {
        shared / "generator.safetensors": train_generator,
        shared / "judge.safetensors": train_judge,
        work / "embedder.safetensors": train,
    }
    missing = [file for file in files if not file.exists()]
    if missing:
        scans = read_scans(shared)
        for file in missing:
            files[file](scans, file)
    generator, judge, embedder = files
    return World(
        DigitsGenerator.read(generator),
        DigitsEmbedder.read(embedder),
        DigitsJudge.read(judge),
        domain_prompts(),
    )


def _demo(name: str) -> Callable[[Path], World]:
    def open_demo(work: Path) -> World:
        from c2l.evaluation import find_judge
        from c2l.prompts.domains import find_domain

        recipe = c2l.load_pipeline(f"demo-{name}")
        found = find_judge(recipe.generator.reference)
        assert found is not None
        prompts = find_domain(name, "").prompts
        return World(recipe.generator, recipe.embedder, found[1], prompts)

    return open_demo


WORLDS: Mapping[str, Callable[[Path], World]] = {
    "colours": _colours,
    "digits": _digits,
    "digits-near": _digits,
    "faces": _demo("faces"),
    "landscapes": _demo("landscapes"),
}
"""The embedder of ``digits`` has a true gap, that of ``digits-near`` hardly any; the last two are
the demo's own, for comparison."""
