"""Layer groups and w+ beside one code, where a generator was trained with style mixing or without.

    python benchmarks/mixing.py --work DIR > benchmarks/mixing.md

DIR keeps worlds, pairs, priors and what was measured from run to run, so that the whole, some hours
on one core, can be made in pieces. ``--measured`` measures nothing, and prints what DIR holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import rare
import torch
from resistance import (
    BATCH,
    NUM_IMAGES,
    NUM_PAIRS,
    NUM_PROMPTS,
    PROMPT_SEED,
    STORED,
    Cell,
    difference,
    drawn,
    percent,
    scores,
    words,
)
from torch import Tensor
from torch.nn.functional import normalize
from worlds import World, open_world
from worlds.digits_captions import DIGITS, caption
from worlds.measure import Ruler, random_images, random_latents, render
from worlds.options import world_parser

import c2l
from c2l import Question
from c2l.pairs.moving import moved
from c2l.training.choosing import Trial, best_trial

WORLDS = ("digits-mixed-fixed", "digits-fixed", "faces-gan-fixed")
"""The generator of the first was trained with mixing, and that of the others without."""
ONE = "one code"
LAYOUTS: Mapping[str, Callable[[int], tuple[int, ...]]] = {
    ONE: lambda layers: (layers,),
    "2 groups": lambda layers: (layers // 2, layers - layers // 2),
    "3 groups": lambda layers: (layers // 4, layers // 4, layers - 2 * (layers // 4)),
    "w+": lambda layers: (1,) * layers,
}
"""How many layers each code feeds, of so many: of 18 layers 9,9 and 4,4,10."""
NETWORK = "flow, network"
"""What that of ``flow`` draws where stored latents were chosen instead, with the bridge that
training would have taken without them."""
PLAIN = "flow, network, not whitened"
"""The same of one that sees the numbers of codes as they are."""
ROWS = ("neighbours", "ridge", "flow", NETWORK, PLAIN, "onestep")
STEPS = 1_500
"""Less than half of what ``c2l train`` takes by default, for all alike."""
NUM_RARE = 20
NUM_EXCHANGED = 2_000
NUM_SEEN = 1_000
NUM_TRUE, NEIGHBOURS = 2_000, 3
NUM_LOOKED_AT = 6


ABOUT = f"""# Layer groups and w+

Made by `python benchmarks/mixing.py --work DIR`.

{NUM_PAIRS:,} pairs, {STEPS:,} steps of {BATCH}; {NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of
each, and of what is *rare*: of digits, the {NUM_RARE} combinations of all facts that pairs of one
code show least often. Diversity is that of pixels, as a part of random pictures of one code. ± one
standard error over prompts; differences prompt by prompt, of a network from that of one code.

*Look true*: as near to a true picture as true ones are to each other (of held-out scans, 92 % do);
of random pictures, and of those drawn for prompts. *Moved*: how far the mean of random pictures
lies from that of one code, squared, in % of their variance. *Another code of layer*: how often that
alone changes a fact, in % of how often other codes of all layers do."""


@dataclass(frozen=True)
class Found:
    """What one prior draws.

    Args:
        usual: of the judge's prompts.
        rare: of what pairs of one code show least often.
        megabytes: of its file.
        true: the share of its pictures that look true.
    """

    usual: Cell
    rare: Cell
    megabytes: float
    true: float


@dataclass(frozen=True)
class Place:
    """A layout of codes in a world."""

    work: Path
    name: str
    layout: str

    @property
    def folder(self) -> Path:
        return self.work / "mixing" / self.name / self.layout.replace(" ", "-")

    def pairs(self, world: World) -> c2l.Pairs:
        """Made unless they are there."""
        groups = LAYOUTS[self.layout](num_layers(world))
        return c2l.build_pairs(
            world.generator,
            world.embedder,
            NUM_PAIRS,
            self.folder / "pairs",
            groups=None if self.layout == ONE else groups,
        )

    def prior(self, world: World, row: str) -> tuple[c2l.Prior, float]:
        """Trained unless it is there, and the megabytes of its file."""
        kind, plain = row.partition(",")[0], row == PLAIN
        file = self.folder / f"{kind}{'-not-whitened' if plain else ''}.safetensors"
        if not file.exists():
            c2l.train_prior(
                kind,
                self.pairs(world),
                file,
                generator=world.generator,
                embedder=world.embedder,
                domain=world.domain_file(self.folder),
                settings={"whitened": False} if plain else {},
                steps=STEPS,
                patience=STEPS,
                batch_size=BATCH,
                student=False,
            )
        return c2l.load_prior(str(file.resolve())), round(file.stat().st_size / 1e6, 1)

    def file(self, row: str) -> Path:
        """Of what was measured of a row."""
        return self.folder / f"{row.replace(', ', '-').replace(' ', '-')}.json"


def num_layers(world: World) -> int:
    return world.generator.latent_space.num_layers


def measure(place: Place, world: World, asked: Sequence[Question], rows: Sequence[str]) -> None:
    """Some rows of a layout; what is there is not measured again."""
    repeats = LAYOUTS[place.layout](num_layers(world))
    usual = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED), repeats)
    for row in rows:
        file = place.file(row)
        if file.exists():
            continue
        print(f"{place.name}, {place.layout}: {row}", file=sys.stderr, flush=True)
        if row == PLAIN and place.layout == ONE:
            continue
        prior, size = place.prior(world, row)
        chosen = adopted(prior, row)
        if chosen is None:
            continue
        cells = (
            drawn(usual, prior, chosen=words(chosen)),
            drawn(Ruler(world, asked, repeats), prior),
        )
        images = usual.render(usual.draw(prior, NUM_LOOKED_AT)).flatten(0, 1)
        found = Found(*cells, size, look_true(world, images))
        file.write_text(json.dumps(asdict(found)), encoding="utf-8")


def adopted(prior: c2l.Prior, row: str) -> Mapping[str, Any] | None:
    """Make a prior draw as a row says, and tell how; None if another row draws the same."""
    assert prior.card is not None
    chosen = prior.card.chosen
    if row not in (NETWORK, PLAIN):
        return chosen
    if not chosen["retrieval"]:
        return None
    trials = [
        Trial({name: t[name] for name in chosen}, t["unfit"], t["diversity"])
        for t in prior.card.training["choice"]["trials"]
        if not t["retrieval"]
    ]
    taken = best_trial(trials).settings
    prior.adopt(taken)
    return taken


def kept(place: Place) -> Iterator[tuple[str, Found]]:
    """The rows that were measured."""
    for row in ROWS:
        if place.file(row).exists():
            raw = json.loads(place.file(row).read_text(encoding="utf-8"))
            cells = [Cell(**raw.pop(prompts)) for prompts in ("usual", "rare")]
            yield row, Found(*cells, **raw)


@dataclass(frozen=True)
class Rare:
    """What pairs of one code show least often.

    Args:
        asked: prompts for it.
        together: what has to be seen at once in a picture of it.
    """

    asked: Sequence[Question]
    together: Sequence[Mapping[str, int]]

    @classmethod
    def read(cls, file: Path) -> Rare:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return cls([Question(**question) for question in raw["asked"]], raw["together"])


def rare_digits(world: World, latents: Tensor) -> Rare:
    """Digits of every stroke, width and slant that has a word."""
    values = product(range(len(DIGITS)), (0, 2), (0, 2), (0, 2))
    every = [dict(zip(("digit", "stroke", "shape", "slant"), some, strict=True)) for some in values]
    numbers = numbers_of(world, latents, every, None)
    few = [every[row] for row in numbers.argsort(stable=True)[:NUM_RARE].tolist()]
    return Rare([Question(caption(named, "a photo of a {}"), named) for named in few], few)


def rare_faces(world: World, latents: Tensor) -> Rare:
    """Two things that are seldom together."""
    return Rare(rare.never_together(world), [rare.indices(both) for both in rare.NEVER])


RARE = {"digits": rare_digits, "faces": rare_faces}
"""By how names of worlds begin."""


def numbers_of(
    world: World,
    latents: Tensor,
    wanted: Sequence[Mapping[str, int]],
    repeats: Sequence[int] | None,
) -> Tensor:
    """How many pictures of latents show all of each of ``wanted``."""
    seen = [world.judge(render(world, part, repeats)) for part in latents.split(500)]
    shown = {name: torch.cat([part[name] for part in seen]) for name in seen[0]}
    each = [torch.stack([shown[k] == v for k, v in named.items()]).all(0) for named in wanted]
    return torch.stack(each).sum(dim=1)


def rare_of(place: Place, world: World) -> Rare:
    """Of a world, by its pairs of one code; kept in a file."""
    file = place.folder / "rare.json"
    if not file.exists():
        found = RARE[place.name.partition("-")[0]](world, place.pairs(world).latents)
        file.write_text(json.dumps(asdict(found)), encoding="utf-8")
    return Rare.read(file)


def exchanged(world: World) -> dict[str, list[float]]:
    """How often another code of one layer alone changes each fact, as a part of how often that of
    all does."""
    latents = random_latents(world, 2 * NUM_EXCHANGED).chunk(2)
    ours, theirs = (world.generator.latent_space.expand(part) for part in latents)
    before = world.judge(render(world, ours))

    def changed(there: Tensor) -> dict[str, float]:
        after = world.judge(render(world, torch.where(there[:, None], theirs, ours)))
        return {k: float((after[k] != v).float().mean()) for k, v in before.items()}

    layers = torch.eye(ours.shape[1], dtype=torch.bool)
    wholly = changed(torch.ones(len(layers), dtype=torch.bool))
    parts = [changed(layer) for layer in layers]
    return {k: [part[k] / whole for part in parts] for k, whole in wholly.items()}


def look(world: World, images: Tensor) -> Tensor:
    """Embeddings of pictures."""
    with torch.no_grad():
        return torch.cat([world.embedder.embed_images(part) for part in images.split(128)])


def look_true(world: World, images: Tensor) -> float:
    """The share of pictures that lie as near to a true one as its third neighbour does (precision;
    Kynkäänniemi et al. 2019, arXiv 1904.06991)."""
    assert world.corpus is not None
    true = normalize(look(world, world.corpus().images(torch.arange(NUM_TRUE))).double(), dim=1)
    ours = normalize(look(world, images).double(), dim=1)
    reach = torch.cdist(true, true).kthvalue(NEIGHBOURS + 1, dim=1).values
    return float((torch.cdist(ours, true) <= reach).any(dim=1).double().mean())


def at_random(world: World) -> dict[str, list[float]]:
    """Of random pictures of each layout: the share that look true, and how far their mean has moved
    from that of one code."""
    own, found = look(world, random_images(world, NUM_SEEN)), {}
    for layout, repeats_of in LAYOUTS.items():
        repeats = repeats_of(num_layers(world))
        num = NUM_SEEN * (1 + len(repeats))  # others than those of `own`
        latents = random_latents(world, num)[NUM_SEEN:].view(NUM_SEEN, len(repeats), -1)
        images = render(world, latents, repeats)
        found[layout] = [look_true(world, images), moved(look(world, images), own)]
    return found


def about_file(name: str, work: Path) -> Path:
    """What ``describe`` keeps."""
    return work / "mixing" / name / "generator.json"


def describe(name: str, work: Path) -> dict[str, Any]:
    """The generator alone; kept in a file."""
    file = about_file(name, work)
    if not file.exists():
        world = open_world(name, work)
        place = Place(work, name, ONE)
        place.folder.mkdir(parents=True, exist_ok=True)
        together, picked, shown = rare_of(place, world).together, {}, {}
        for layout, repeats_of in LAYOUTS.items():
            repeats = repeats_of(num_layers(world))
            pairs = Place(work, name, layout).pairs(world)
            ruler = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED), repeats)
            best = ruler.measure_picked(pairs.latents, NUM_IMAGES)
            picked[layout] = [fmean(best.accuracy), fmean(best.diversity)]
            shown[layout] = numbers_of(world, pairs.latents, together, repeats).tolist()
        found = {
            "random": at_random(world),
            "exchanged": exchanged(world),
            "picked": picked,
            "rare": shown,
        }
        file.write_text(json.dumps(found), encoding="utf-8")
    about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return about


def generator_tables(name: str, about: Mapping[str, Any]) -> None:
    """Print what a generator draws by itself."""
    print(f"\n## {name}\n\n| latents | look true, % | moved, % |", end="")
    print(" picked by the judge: named, % | diversity, % | pairs of each rare combination |")
    print("| --- " * 6 + "|")
    for layout in LAYOUTS:
        named, varied = (f"{100 * value:.0f}" for value in about["picked"][layout])
        seldom = about["rare"][layout]
        away = [f"{round(100 * share, 1) + 0.0:.1f}" for share in about["random"][layout]]
        line = [layout, *away, named, varied]
        print(f"| {' | '.join(line)} | {fmean(seldom):.1f}, from {min(seldom)} to {max(seldom)} |")
    facts: Mapping[str, Sequence[float]] = about["exchanged"]
    layers = range(1, 1 + len(next(iter(facts.values()))))
    print(f"\n| another code of layer | {' | '.join(map(str, layers))} |")
    print("| --- " * (len(layers) + 1) + "|")
    for fact, shares in facts.items():
        print(f"| {fact} | {' | '.join(f'{100 * share:.0f}' for share in shares)} |")


def prior_table(cells: Mapping[str, Mapping[str, Found]]) -> None:
    """Print the priors of a world, by layout."""
    print(
        "\n| latents | prior | named, % | minus one code | best of 16, % | diversity, % |", end=""
    )
    print(" rare, % | minus one code | look true, % | ms | MB | bridge |")
    print("| --- " * 12 + "|")
    for layout, rows in cells.items():
        for row, found in rows.items():
            usual, rare = found.usual, found.rare
            rival = row if row in cells.get(ONE, {}) else row.partition(",")[0]
            one = cells.get(ONE, {}).get(rival)
            less = ["", ""]
            if one and layout != ONE:
                less = [
                    difference(usual.accuracy, one.usual.accuracy),
                    difference(rare.accuracy, one.rare.accuracy),
                ]
            named, best, varied = scores(usual)
            line = [layout, row, named, less[0], best, varied, percent(rare.accuracy), less[1]]
            line += [
                f"{100 * found.true:.0f}",
                f"{usual.milliseconds:.2f}",
                f"{found.megabytes:.1f}",
                usual.chosen,
            ]
            print(f"| {' | '.join(line)} |")


def overview(work: Path) -> None:
    """Print the layouts of all worlds side by side, as far as they are measured."""
    print("\n## All of them\n\nNamed, diversity, and how many look true, %.\n")
    print("| generator | latents | moved, % | neighbours | flow | its network alone |")
    print("| --- " * 6 + "|")
    for name in WORLDS:
        if not about_file(name, work).exists():
            continue
        away = describe(name, work)["random"]
        for layout in LAYOUTS:
            found = dict(kept(Place(work, name, layout)))
            if NETWORK not in found and "flow" in found and not _stored(found["flow"]):
                found[NETWORK] = found["flow"]
            cells = [_in_short(found.get(row)) for row in ("neighbours", "flow", NETWORK)]
            line = [name, layout, f"{round(100 * away[layout][1], 1) + 0.0:.1f}", *cells]
            print(f"| {' | '.join(line)} |")


def _stored(found: Found) -> bool:
    return found.usual.chosen.startswith(STORED)


def _in_short(found: Found | None) -> str:
    if found is None:
        return ""
    cell = found.usual
    return ", ".join(
        f"{100 * value:.{digits}f}"
        for value, digits in (
            (fmean(cell.accuracy), 1),
            (fmean(cell.diversity), 0),
            (found.true, 0),
        )
    )


def main() -> None:
    parser = world_parser(__doc__, WORLDS)
    parser.add_argument("--layout", choices=LAYOUTS, action="append", help="only this one")
    parser.add_argument("--row", choices=ROWS, action="append", help="only this one")
    parser.add_argument("--measured", action="store_true", help="print what DIR holds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(ABOUT)
    for name in options.world or WORLDS:
        places = [Place(options.work, name, layout) for layout in options.layout or LAYOUTS]
        if not options.measured:
            world = open_world(name, options.work)
            asked = rare_of(Place(options.work, name, ONE), world).asked
            for place in places:
                measure(place, world, asked, options.row or ROWS)
        if options.measured and not about_file(name, options.work).exists():
            continue
        generator_tables(name, describe(name, options.work))
        prior_table({place.layout: dict(kept(place)) for place in places})
    overview(options.work)


if __name__ == "__main__":
    main()
