"""Worlds that resist: generators and embedders nobody made for each other, with a known truth.

The demo's worlds are kind: w is nearly the list of a scene's attributes, and their CLIP has hardly
a gap. These are not. Each is made on demand in a folder of the caller's, by one command
(``make_world.py``), and holds what a prior is trained with and judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from torch import Tensor

import c2l
from c2l import Embedder, Generator, Question
from c2l.evaluation.judge import Judge
from worlds.clip import REGIMES, Corpus


@dataclass(frozen=True)
class World:
    """What a prior of one world is trained with and judged by.

    Args:
        generator, embedder: the parts.
        judge: asks for things, and sees which of them a picture shows.
        domain: prompts that people ask of such a generator; none of them has to be the judge's.
        drawings: a true picture of each question, which no generator drew; None: there are none.
        corpus: true pictures with captions; None: there are none.
    """

    generator: Generator
    embedder: Embedder
    judge: Judge
    domain: Sequence[str]
    drawings: Callable[[Sequence[Question]], Tensor | None] | None = None
    corpus: Callable[[], Corpus] | None = None

    def on(self, device: str) -> Self:
        """The same, with the parts on a device; what judges stays where it is."""
        return replace(self, generator=self.generator.to(device), embedder=self.embedder.to(device))

    def domain_file(self, work: Path) -> str:
        """The domain as ``c2l train`` takes it: a text file, written if it is not there."""
        file = work / "domain.txt"
        file.write_text("\n".join(self.domain) + "\n", encoding="utf-8")
        return str(file)


def open_world(name: str, work: Path) -> World:
    """The world of a name, made in ``work`` if it is not there."""
    return {**WORLDS, **HELD_OUT, **MIXED}[name](work)


def _colours(work: Path) -> World:
    from worlds import colours

    folder = _folder(work, "colours")
    weights = folder / "dcgan.tar"
    if not weights.exists():
        colours.fetch_weights(folder)
    return World(
        colours.read_generator(weights),
        colours.new_embedder(),
        colours.ColourJudge(),
        colours.domain_prompts(),
    )


def _digits(regime: str, work: Path, mixed: bool = False) -> World:
    from worlds import clip
    from worlds.digits_captions import DigitsCorpus
    from worlds.digits_gan import DigitsGenerator, train_generator, train_mixed
    from worlds.digits_judge import DigitsJudge, domain_prompts, scans_of, train_judge
    from worlds.digits_scans import read_scans

    folder = _folder(work, "digits")
    scans = read_scans(folder)
    corpus = partial(DigitsCorpus, scans)
    generator = _made(folder / "generator", partial(train_generator, scans))
    if mixed:
        generator = _made(folder / "generator-mixed", partial(train_mixed, scans, generator))
    return World(
        DigitsGenerator.read(generator),
        clip.embedder(folder, regime, corpus, steps=700),
        DigitsJudge.read(_made(folder / "judge", partial(train_judge, scans))),
        domain_prompts(),
        partial(scans_of, scans),
        corpus,
    )


def _discs(work: Path) -> World:
    from worlds import colours, discs

    file = _made(_folder(work, "discs") / "generator", discs.train_generator)
    return World(
        c2l.load_generator(f"stylegan:{file.absolute()}", device="cpu"),
        colours.new_embedder(discs.LEVELS),
        discs.DiscsJudge(),
        [text for _, text in discs.prompts()],
    )


def _shapes(loud: bool, work: Path) -> World:
    from worlds import clip, shapes

    generator = shapes.ShapesGenerator().eval()
    corpus = partial(shapes.DrawnCorpus, generator, shapes.FACTS, shapes.phrase, shapes.SILENT)
    reader: Embedder = clip.embedder(_folder(work, "shapes"), "fixed", corpus, steps=400)
    if loud:
        reader = shapes.LoudEmbedder(reader).eval()
    return World(generator, reader, shapes.ShapesJudge(), shapes.domain_prompts())


def _clocks(work: Path) -> World:
    from worlds import clip, clocks, shapes

    generator = clocks.ClocksGenerator().eval()
    corpus = partial(shapes.DrawnCorpus, generator, clocks.FACTS, clocks.phrase, clocks.SILENT)
    return World(
        generator,
        clip.embedder(_folder(work, "clocks"), "fixed", corpus, steps=500),
        clocks.ClocksJudge(),
        clocks.domain_prompts(),
    )


def _faces_gan(regime: str, work: Path) -> World:
    from c2l_demo.judge import faces
    from worlds import clip
    from worlds.drawings import Drawings
    from worlds.faces_gan import FacesGenerator, train_generator

    folder = _folder(work, "faces-gan")
    drawn = partial(Drawings.of, folder)
    # The demo's judge looks at 64 px, as this generator draws.
    return World(
        FacesGenerator.read(
            _made(folder / "generator", lambda file: train_generator(drawn(), file))
        ),
        clip.embedder(folder, regime, drawn, steps=800),
        faces,
        _domain("faces"),
        faces.drawings,
        drawn,
    )


def _demo(name: str, work: Path) -> World:
    from c2l_demo import judge
    from worlds.drawings import Drawings

    recipe = c2l.load_pipeline(f"demo-{name}")
    its = {"faces": judge.faces, "landscapes": judge.landscapes}[name]
    corpus = partial(Drawings.of, _folder(work, "faces-gan")) if name == Drawings.name else None
    return World(recipe.generator, recipe.embedder, its, _domain(name), its.drawings, corpus)


def _domain(name: str) -> Sequence[str]:
    from c2l.prompts.domains import find_domain

    return find_domain(name, "").prompts


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _made(stem: Path, make: Callable[[Path], None]) -> Path:
    """The file of weights, made if it is not there."""
    file = stem.with_suffix(".safetensors")
    if not file.exists():
        make(file)
    return file


WORLDS: Mapping[str, Callable[[Path], World]] = {
    "colours": _colours,
    **{f"digits-{regime}": partial(_digits, regime) for regime in REGIMES},
    **{f"faces-gan-{regime}": partial(_faces_gan, regime) for regime in REGIMES},
    "discs": _discs,
    "faces": partial(_demo, "faces"),
    "landscapes": partial(_demo, "landscapes"),
}
"""A generator, and after a dash how its CLIP was trained; the last two are the demo's own, for
comparison."""
HELD_OUT: Mapping[str, Callable[[Path], World]] = {
    "shapes": partial(_shapes, False),
    "shapes-loud": partial(_shapes, True),
    "clocks": _clocks,
}
"""Made after everything that is chosen by itself was settled on the others."""
MIXED: Mapping[str, Callable[[Path], World]] = {
    "digits-mixed-fixed": partial(_digits, "fixed", mixed=True),
}
"""Their generators were trained with style mixing."""
