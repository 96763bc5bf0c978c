"""Every way from text to pictures on worlds that resist and on the demo: one table for each.

    python benchmarks/resistance.py --work DIR > benchmarks/resistance.md

All priors of a world learn from the same pairs. DIR keeps worlds, pairs, priors and all that was
measured from run to run, so that the whole, some hours on one core, can be made in pieces.
``--measured`` measures nothing, and prints what DIR holds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import isnan
from pathlib import Path
from statistics import fmean, geometric_mean, stdev
from typing import Any

import torch
from worlds import WORLDS, World, open_world
from worlds.measure import Ruler
from worlds.options import world_parser

import c2l
from c2l.training.choosing import doubted

NUM_PAIRS = 12_000
STEPS = 3_600
"""About the default of ``c2l train`` for so many pairs."""
BATCH = 256
"""Of each step, also where a larger one is the default."""
NUM_PROMPTS = 60
NUM_IMAGES = 16
PROMPT_SEED = 3
RANDOM_SEED = 4_000_000_000
"""Of the row that draws at random."""

PAPER: Mapping[str, Any] = {
    "width": 64,
    "depth": 4,
    "heads": 4,
    "head_width": 32,
    "noise": 1.0,
    "sampler": "skip",
    "guidance": 2.0,
}
"""The transformer of the 2022 paper, its noise, sampler and guidance (Pinkney & Li 2022, arXiv
2210.02347); four layers of 64, for twelve of 512 and a hundredth of its pairs."""
PICKED = "pairs, picked by the judge"
"""Those pictures of the pairs that show most of what is named, as many as there are: what the
generator can draw of a prompt, and how varied. No prior can be asked for more."""
TWICE = 2
"""As varied as neighbours: what a prior should be where that is possible."""
AUTO, ONESTEP = "flow, auto", "onestep, auto"
TRIED = "flow, auto's "
"""Before a bridge that auto tried, and which is now fixed on the same network."""


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Args:
        kind: of the prior; empty: nothing is trained.
        settings, steps: how it is trained.
        file: the stem of the prior's file, which rows may share.
        asked: other defaults of its sampler.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps: int = STEPS
    file: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)


_PAPER = {"kind": "diffusion", "settings": PAPER, "file": "paper"}
ROWS: Mapping[str, Row] = {
    "random": Row(""),
    "true pictures": Row(""),
    PICKED: Row(""),
    "neighbours": Row("neighbours"),
    "ridge": Row("ridge"),
    "2022 recipe, 1000 steps": Row(**_PAPER, asked={"steps": 1000}),
    "2022 recipe, 4 steps": Row(**_PAPER, asked={"steps": 4}),
    AUTO: Row("flow"),
    ONESTEP: Row("onestep"),
}
STORED = "stored latents"
_ALL: Mapping[str, Row] = {
    **ROWS,
    STORED: Row("flow", {"gap": "blur+centring+neighbours", "retrieval": True}, steps=1),
}
"""And what has no row: what answers without a network."""


@dataclass(frozen=True)
class Cell:
    """What was measured of a row on a world; lists hold a value for each prompt.

    Args:
        milliseconds: to draw one latent; of one core, where that draws.
        device: that drew it.
        unfit: the share of pictures that do not fit, of a bridge that was tried.
        doubt: what the choice multiplies the odds of that by.
        chosen: by the prior itself.
    """

    accuracy: Sequence[float]
    best: Sequence[float]
    by_attribute: Mapping[str, float]
    diversity: Sequence[float]
    cmmd: float
    milliseconds: float | None = None
    device: str = "cpu"
    unfit: float | None = None
    doubt: float = 1.0
    chosen: str = ""

    @property
    def doubted(self) -> float:
        """What the choice goes by."""
        return doubted(self.unfit or 0.0, self.doubt)


@dataclass(frozen=True)
class Bench:
    """One world, where it keeps what was measured, and on which device that is."""

    name: str
    work: Path
    device: str = "cpu"
    cells: str = "cells"
    """The folder of what was measured."""

    @property
    def folder(self) -> Path:
        """Of pairs, priors and cells."""
        return self.work / "resistance" / self.name

    def measured(self) -> dict[str, Cell]:
        """All cells that are there, by row."""
        found = {}
        for file in sorted((self.folder / self.cells).glob("*.json")):
            raw = json.loads(file.read_text(encoding="utf-8"))
            row = raw.pop("row")
            found[row] = Cell(**raw)
        return found

    def file(self, row: str) -> Path:
        """The prior of a row."""
        return self.folder / f"{_ALL[row].file or _slug(row)}.safetensors"

    def _cell(self, row: str) -> Path:
        return self.folder / self.cells / f"{_slug(row)}.json"

    def forget(self, row: str) -> None:
        """What was measured of it."""
        self._cell(row).unlink(missing_ok=True)

    def keep(self, row: str, cell: Cell) -> None:
        """Write a cell."""
        file = self._cell(row)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"row": row, **vars(cell)}), encoding="utf-8")
        part.replace(file)

    def measure(self, rows: Sequence[str]) -> None:
        """Measure what is missing of some rows; with ``AUTO`` also each bridge that it tried."""
        there = self.measured()
        missing = [row for row in rows if row not in there]
        if not missing:
            return
        world = open_world(self.name, self.work).on(self.device)
        ruler = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED))
        for row in missing:
            print(f"{self.name}: {row}", file=sys.stderr, flush=True)
            if row == AUTO:  # comes last, so that it is missing while one of them is
                for label, cell in tried(self, world, ruler, there):
                    self.keep(label, cell)
            found = cell_of(self, world, ruler, row)
            if found:
                self.keep(row, found)


def cell_of(bench: Bench, world: World, ruler: Ruler, label: str) -> Cell | None:
    """Measure a row; None where a world has no true pictures."""
    if label == "random":
        num = len(ruler.questions) * NUM_IMAGES
        latents = world.generator.sample_latents(range(RANDOM_SEED, RANDOM_SEED + num))
        return Cell(**ruler.measure(ruler.render(latents)).to_dict())
    if label == "true pictures":
        images = world.drawings(ruler.questions) if world.drawings else None
        return None if images is None else Cell(**ruler.measure(images[:, None]).to_dict())
    if label == PICKED:
        pairs = pairs_of(bench, world)
        return Cell(**ruler.measure_picked(pairs.latents, NUM_IMAGES).to_dict())
    prior = trained(bench, world, label)
    assert prior.card is not None
    prior.config = prior.Settings(**{**prior.settings(), **ROWS[label].asked})
    return drawn(ruler, prior, chosen=words(prior.card.chosen))


def tried(
    bench: Bench,
    world: World,
    ruler: Ruler,
    there: Mapping[str, Cell],
    num_images: int = NUM_IMAGES,
) -> Iterator[tuple[str, Cell]]:
    """Each bridge that auto tried, on its own network; what is there is not drawn again."""
    prior = trained(bench, world, AUTO)
    assert prior.card is not None
    for trial in prior.card.training["choice"]["trials"]:
        settings = {name: trial[name] for name in prior.card.chosen}
        label = TRIED + words(settings)
        seen = {"unfit": trial["unfit"], "doubt": trial.get("doubt", 1.0)}
        if label in there:
            yield label, replace(there[label], **seen)
            continue
        # Files keep latents only where these are the answer.
        drawing = trained(bench, world, STORED) if settings.get("retrieval") else prior
        drawing.adopt(settings)
        yield label, drawn(ruler, drawing, num_images, **seen)


def drawn(ruler: Ruler, prior: c2l.Prior, num_images: int = NUM_IMAGES, **about: Any) -> Cell:
    """What a prior draws."""
    device = prior.device.type
    # A busy machine does not count; a GPU works on its own.
    clock = time.process_time if device == "cpu" else time.perf_counter
    started = clock()
    latents = ruler.draw(prior, num_images).cpu()
    each = round(1000 * (clock() - started) / len(latents), 3)
    measured = ruler.measure(ruler.render(latents))
    return Cell(**measured.to_dict(), milliseconds=each, device=device, **about)


def trained(bench: Bench, world: World, label: str) -> c2l.Prior:
    """The prior of a row, trained unless it is there."""
    row, file = _ALL[label], bench.file(label)
    if not file.exists():
        bench.folder.mkdir(parents=True, exist_ok=True)
        c2l.train_prior(
            row.kind,
            pairs_of(bench, world),
            file,
            generator=None if row.settings else world.generator,  # only to choose by pictures
            embedder=world.embedder,
            domain=world.domain_file(bench.folder),
            settings=dict(row.settings),
            steps=row.steps,
            patience=row.steps,
            batch_size=BATCH,
            student=False,
            device=bench.device,
        )
    return c2l.load_prior(str(file.resolve()), device=bench.device)


def pairs_of(bench: Bench, world: World) -> c2l.Pairs:
    """Of a world, made unless they are there."""
    return c2l.build_pairs(world.generator, world.embedder, NUM_PAIRS, bench.folder / "pairs")


def table(name: str, cells: Mapping[str, Cell]) -> None:
    """Print what was measured of a world."""
    print(f"\n## {name}\n")
    print("| latents from | named, % | best of 16, % | diversity, % | CMMD | ms | by itself |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for label in ROWS:
        print(_line(label, cells.get(label)))
    bridges = {k: v for k, v in cells.items() if k.startswith(TRIED)}
    if bridges:
        print("\nBridges that `flow, auto` tried, on one network; not fitting is what it saw, and")
        print("what it went by where it doubts that.\n")
        print("| bridge | not fitting, % | doubted, % | named, % | best of 16, % | diversity, % |")
        print("| --- | --- | --- | --- | --- | --- |")
        for label, cell in sorted(bridges.items(), key=lambda item: -fmean(item[1].accuracy)):
            shares = [f"{100 * share:.1f}" for share in (cell.unfit or 0.0, cell.doubted)]
            row = [label.removeprefix(TRIED), *shares, *scores(cell)]
            print(f"| {' | '.join(row)} |")


def overview(worlds: Mapping[str, Mapping[str, Cell]]) -> None:
    """Print the ways side by side, for all worlds."""
    ways = (
        "random",
        "ridge",
        "neighbours",
        "2022 recipe, 1000 steps",
        ONESTEP,
        AUTO,
        PICKED,
    )
    print("\n## All of them\n\nNamed, and diversity, %.\n")
    print(f"| world | {' | '.join(ways)} | bridge of {AUTO} |")
    print("| --- " * (len(ways) + 2) + "|")
    for name, cells in worlds.items():
        if AUTO in cells:
            shown = (_both(cells.get(way)) for way in ways)
            print(f"| {name} | {' | '.join(shown)} | {cells[AUTO].chosen} |")


def _both(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{100 * fmean(cell.accuracy):.1f}, {100 * fmean(cell.diversity):.0f}"


def verdicts(worlds: Mapping[str, Mapping[str, Cell]]) -> None:
    """Print what all worlds say together."""
    print("\n## What follows\n")
    heads = (
        "world",
        "auto minus neighbours",
        "diversity, of neighbours'",
        "the most there is",
        "reached of it, %",
        "auto minus 2022",
    )
    print(f"| {' | '.join(heads)} |")
    print("| --- " * len(heads) + "|")
    never: list[str] = []
    for name, cells in worlds.items():
        auto = cells.get(AUTO)
        if auto is None:
            continue
        near, most = cells.get("neighbours"), cells.get(PICKED)
        old = cells.get("2022 recipe, 1000 steps")
        if near and most and fmean(most.diversity) < TWICE * fmean(near.diversity):
            never.append(name)
        row = [
            name,
            difference(auto.accuracy, near.accuracy) if near else "",
            _times(auto, near),
            _times(most, near),
            f"{100 * fmean(auto.diversity) / fmean(most.diversity):.0f}" if most else "",
            difference(auto.accuracy, old.accuracy) if old else "",
        ]
        print(f"| {' | '.join(row)} |")
    _kept(worlds)
    if never:
        print(f"\nNo prior can be twice as varied as neighbours in {', '.join(never)}:")
        print("there, not even pictures that the judge picks among all of the pairs are. *Reached*")
        print("is the diversity of auto as a part of theirs.")
    _together(worlds, "2022 recipe, 1000 steps")
    _together(worlds, "2022 recipe, 4 steps")


def _kept(worlds: Mapping[str, Mapping[str, Cell]]) -> None:
    """Print in which worlds auto does what is asked of it, by figures as they are printed."""
    where: dict[str, dict[str, bool]] = {}

    def note(name: str, what: str, apart: Sequence[float], least: float) -> None:
        where.setdefault(what, {})[name] = round(fmean(apart) - least, 3) >= 0

    for name, cells in worlds.items():
        auto, near, most = (cells.get(row) for row in (AUTO, "neighbours", PICKED))
        if auto is None:
            continue
        if near:
            apart = _apart(auto, near)
            note(name, "as accurate as neighbours", apart, 0.0)
            note(
                name,
                "as accurate as neighbours, to within two standard errors",
                apart,
                -2 * _error(apart),
            )
        if near and most and fmean(most.diversity) >= TWICE * fmean(near.diversity):
            ratio = round(fmean(auto.diversity) / fmean(near.diversity), 1)
            note(name, "twice as varied as neighbours, where that can be", [ratio], TWICE)
        for row in ("2022 recipe, 1000 steps", "2022 recipe, 4 steps"):
            if row in cells:
                apart = _apart(auto, cells[row])
                note(name, f"below the {row} by a standard error at most", apart, -_error(apart))
    if where:
        print("\n| auto is | in | not in |\n| --- | --- | --- |")
    for what, found in where.items():
        sides = (
            ", ".join(n for n, kept in found.items() if kept is side) for side in (True, False)
        )
        print(f"| {what} | {' | '.join(sides)} |")


def _apart(ours: Cell, theirs: Cell) -> list[float]:
    """In accuracy, for each prompt."""
    return [a - b for a, b in zip(ours.accuracy, theirs.accuracy, strict=True)]


def _together(worlds: Mapping[str, Mapping[str, Cell]], other: str) -> None:
    """Auto against another row, in pairs over the prompts of all worlds that have both."""
    both = [(cells[AUTO], cells[other]) for cells in worlds.values() if {AUTO, other} <= {*cells}]
    if not both:
        return
    ours, theirs = [a for a, _ in both], [b for _, b in both]
    accuracy = difference(*([v for c in side for v in c.accuracy] for side in (ours, theirs)))
    diversity = difference(*([v for c in side for v in c.diversity] for side in (ours, theirs)))
    times = [(a.milliseconds, b.milliseconds) for a, b in both if a.milliseconds and b.milliseconds]
    spent = geometric_mean(mine / its for mine, its in times)
    print(f"\nAuto minus the {other}, in {len(both)} worlds: {accuracy} points of accuracy,")
    print(f"{diversity} of diversity, in {spent:.2g} of the time.")


def _times(cell: Cell | None, near: Cell | None) -> str:
    """The diversity of a row, as a multiple of neighbours'."""
    if cell is None or near is None:
        return ""
    return f"{fmean(cell.diversity) / fmean(near.diversity):.1f} times"


def _line(label: str, cell: Cell | None) -> str:
    if cell is None:
        return f"| {label} | | | | | | |"
    spent = "" if cell.milliseconds is None else f"{cell.milliseconds:.2f}"
    if spent and cell.device != "cpu":
        spent = f"{spent} ({cell.device})"
    cmmd = "" if isnan(cell.cmmd) else f"{cell.cmmd + 0.0:.3g}"
    row = [label, *scores(cell), cmmd, spent, cell.chosen]
    return f"| {' | '.join(row)} |"


def scores(cell: Cell) -> list[str]:
    """Accuracy at one sample and best of all, and diversity."""
    varied = f"{100 * fmean(cell.diversity):.0f}" if cell.diversity else ""
    return [percent(cell.accuracy), percent(cell.best), varied]


def percent(values: Sequence[float]) -> str:
    return f"{100 * fmean(values):.1f} ± {100 * _error(values):.1f}"


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Of two rows over the same prompts, in points, with its standard error."""
    return mean([a - b for a, b in zip(ours, theirs, strict=True)])


def mean(apart: Sequence[float]) -> str:
    """Of differences, in points, with its standard error."""
    return f"{100 * fmean(apart):+.1f} ± {100 * _error(apart):.1f}"


def _error(values: Sequence[float]) -> float:
    """One standard error of the mean."""
    return stdev(values) / len(values) ** 0.5


def words(settings: Mapping[str, Any]) -> str:
    """``blur+projection, adherence 1.0``: without what means nothing to such a bridge."""
    found = dict(settings)
    gap = found.pop("gap", "")
    if found.pop("retrieval", False):
        gap = STORED
    idle = {
        STORED: {"adherence", "pull", "text_noise"},
        "neighbours": set[str](),
        "projection": {"nearest", "slack"},
        "": {"nearest", "slack", "pull"},
    }
    meaningless = next(names for ingredient, names in idle.items() if ingredient in gap)
    rest = [f"{name} {value}" for name, value in sorted(found.items()) if name not in meaningless]
    return ", ".join([*([gap] if gap else []), *rest])


@cache
def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text)


def main() -> None:
    parser = world_parser(__doc__, WORLDS)
    parser.add_argument("--row", choices=ROWS, action="append", help="only this one")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, where all of it is computed")
    parser.add_argument("--measured", action="store_true", help="print what DIR holds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    benches = [Bench(name, options.work, options.device) for name in options.world or WORLDS]
    if not options.measured:
        for bench in benches:
            bench.measure(options.row or list(ROWS))
    print("# Worlds that resist\n\nMade by `python benchmarks/resistance.py --work DIR`.\n")
    print(f"Each prior learnt from {NUM_PAIRS:,} pairs, those by gradient in {STEPS:,} steps.")
    print(
        f"{NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of each: what they show of what is named, as"
    )
    print("a mean and in the one that the embedder puts nearest. Diversity is that of pixels, as a")
    print(
        "part of random pictures; ± one standard error over prompts. *Picked by the judge* are the"
    )
    print("pictures of the pairs that show most of what is named: the most there is.")
    found = {bench.name: bench.measured() for bench in benches}
    for name, cells in found.items():
        if cells:
            table(name, cells)
    overview(found)
    verdicts(found)


if __name__ == "__main__":
    main()
