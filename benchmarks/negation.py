"""What is unwanted: how much of it is absent, by each way of saying so, on both demo worlds.

    OMP_NUM_THREADS=1 python benchmarks/negation.py > benchmarks/negation.md

Prompts are held-out captions of the demo's grammars. Each is given 1, 2 or 3 unwanted things that
it does not name, and the judge says whether the pictures show them.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import c2l
from c2l.evaluation import Estimate, Judge, find_judge
from c2l_priors.flow import FlowPrior, Guided
from c2l_priors.network import Condition

# The strength of the push was chosen on the captions of another seed.
PROMPT_SEED = 11
NUM_IMAGES = 8
NUM_VAGUE = 400
MOST = 3


class Thing(NamedTuple):
    """Something unwanted: its words in a prompt, its attribute, and which values show it."""

    negated: str
    attribute: str
    shown: tuple[int, ...]


FACES = {
    "beard": Thing("without a beard", "facial_hair", (1,)),
    "moustache": Thing("no moustache", "facial_hair", (2,)),
    "eyeglasses": Thing("no eyeglasses", "glasses", (1,)),
    "sunglasses": Thing("without sunglasses", "glasses", (2,)),
    "straw hat": Thing("without a straw hat", "hat", (2,)),
    "red cap": Thing("no red cap", "hat", (1,)),
    "earrings": Thing("no earrings", "ear_rings", (1,)),
    "smile": Thing("without a smile", "expression", (0,)),
    "long hair": Thing("without long hair", "hair_style", (2,)),
}
LANDSCAPES = {
    "palm trees": Thing("without palm trees", "palms", (1,)),
    "clouds": Thing("no clouds", "clouds", (1,)),
    "rainbow": Thing("no rainbow", "rainbow", (1,)),
    "moon": Thing("without the moon", "celestial", (2,)),
    "sun": Thing("no sun", "celestial", (1,)),
    "snow": Thing("without snow", "season", (2,)),
    "storm": Thing("no storm", "time", (3,)),
    "buildings": Thing("without buildings", "place", (4,)),
}
WORLDS = {"faces": FACES, "landscapes": LANDSCAPES}
# Words that the demo's grammar uses for some or none of the things that people mean by them.
VAGUE = {
    "any hat": Thing("no hat", "hat", (1, 2, 3)),
    "eyeglasses": Thing("no glasses", "glasses", (1,)),
    "either glasses": Thing("no glasses", "glasses", (1, 2)),
}
VAGUE_WORDS = (
    ("any hat", ("hat",)),
    ("any hat", ("red cap", "straw hat", "beanie")),
    ("eyeglasses", ("glasses",)),
    ("either glasses", ("glasses",)),
    ("either glasses", ("glasses", "sunglasses")),
)
"""What is looked for, and the words that say so."""


class Case(NamedTuple):
    """A prompt, the attributes that it names, and what is unwanted."""

    prompt: str
    named: Mapping[str, int]
    unwanted: list[str]

    def in_words(self, things: Mapping[str, Thing]) -> str:
        return f"{self.prompt} {', '.join(things[name].negated for name in self.unwanted)}"


def could_show(world: str, thing: Thing, named: Mapping[str, int]) -> bool:
    """Whether a picture of a prompt might show it: no beards on women, no snow on beaches."""
    if thing.attribute in named:
        return False
    if thing.attribute == "facial_hair":
        return named.get("gender") == 1 and named.get("age") not in (None, 0)
    return not (
        world == "landscapes" and thing.attribute == "season" and named.get("place") in (0, 3)
    )


def cases(
    world: str, judge: Judge, things: Mapping[str, Thing], num_unwanted: int, num: int
) -> Iterator[Case]:
    rng = np.random.default_rng([PROMPT_SEED, num_unwanted])
    for question in judge.questions(20 * num, PROMPT_SEED):
        able = [name for name, t in things.items() if could_show(world, t, question.named)]
        chosen: dict[str, str] = {}
        for name in rng.permutation(able):
            chosen.setdefault(things[name].attribute, str(name))
        if len(chosen) >= num_unwanted:
            yield Case(question.prompt, question.named, list(chosen.values())[:num_unwanted])
            num -= 1
        if not num:
            return


class Composed(FlowPrior):
    """Guided away from each negative prompt by itself (Liu et al. 2022, arXiv 2206.01714)."""

    each: Sequence[Condition]
    share = 1.0

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        assert options.negative is not None
        self.each = [self._against(rows, len(rows)) for rows in options.negative.unbind(1)]
        return super()._sample(embeddings, dataclasses.replace(options, negative_by="guidance"))

    def _guided(self, x: Tensor, time: float, modulation: Tensor, prompt: Guided) -> Tensor:
        plain = super()._guided(x, time, modulation, prompt._replace(against=None))
        if prompt.against is None:
            return plain
        away = [
            super(Composed, self)._guided(x, time, modulation, prompt._replace(against=one)) - plain
            for one in self.each
        ]
        return plain + self.share * torch.stack(away).sum(dim=0)


def composed(pipeline: c2l.Pipeline, share: float) -> c2l.Pipeline:
    prior = Composed(**pipeline.prior.settings())
    prior.load_state_dict(pipeline.prior.state_dict(), strict=False)
    prior.share = share
    prior.card = pipeline.prior.card
    return c2l.Pipeline(pipeline.generator, pipeline.embedder, prior.eval())


Way = tuple[str, Callable[[Case], c2l.Result]]


def ways(pipeline: c2l.Pipeline, things: Mapping[str, Thing]) -> list[Way]:
    """What each is called, and how it draws a case."""

    def draw(prompt: str, by: c2l.Pipeline = pipeline, **how: object) -> c2l.Result:
        return by(prompt, num_images=NUM_IMAGES, **how)  # type: ignore[arg-type]

    def pushed(weight: float) -> Callable[[Case], c2l.Result]:
        return lambda case: draw(case.prompt, negative=dict.fromkeys(case.unwanted, weight))

    def guided(strength: float, *, joined: bool) -> Callable[[Case], c2l.Result]:
        how = {"negative_by": "guidance", "guidance": strength}
        return lambda case: draw(
            case.prompt,
            negative={", ".join(case.unwanted): 1} if joined else case.unwanted,
            **how,
        )

    def each(strength: float, by: Callable[[int], c2l.Pipeline]) -> Callable[[Case], c2l.Result]:
        return lambda case: draw(
            case.prompt, by(len(case.unwanted)), negative=case.unwanted, guidance=strength
        )

    mean = {num: composed(pipeline, 1 / num) for num in range(1, MOST + 1)}
    whole = composed(pipeline, 1.0)
    return [
        ("not said", lambda case: draw(case.prompt)),
        ("said in the prompt", lambda case: draw(case.in_words(things))),
        ("guided away, one text with commas, guidance 2", guided(2, joined=True)),
        ("the same, guidance 3", guided(3, joined=True)),
        ("guided away, blend, guidance 2", guided(2, joined=False)),
        ("the same, guidance 3", guided(3, joined=False)),
        ("guided away from each, mean, guidance 3", each(3, mean.__getitem__)),
        ("guided away from each, sum, guidance 2", each(2, lambda num: whole)),
        ("embedding pushed away, weight 0.5", pushed(0.5)),
        ("**embedding pushed away, weight 1**", pushed(1)),
        ("the same, weight 2", pushed(2)),
    ]


def absent(judge: Judge, images: Tensor, thing: Thing) -> float:
    seen = judge(images)[thing.attribute]
    return float((~torch.isin(seen, torch.tensor(thing.shown))).float().mean())


def percent(values: Sequence[float]) -> str:
    estimate = Estimate.of_mean(100 * torch.tensor(values, dtype=torch.float64))
    return f"{estimate.value:.1f} ± {estimate.error:.1f}"


def table(world: str, num: int) -> None:
    found = find_judge(f"stylegan:demo-{world}")
    assert found is not None
    judge, things = found[1], WORLDS[world]
    pipeline = c2l.load_pipeline(f"demo-{world}", device="cpu")
    asked = [list(cases(world, judge, things, m, num)) for m in range(1, MOST + 1)]
    print(f"\n## demo-{world}\n")
    print(
        f"{num} captions for each number of unwanted things, {NUM_IMAGES} pictures of each, seeds"
    )
    print(f"0 to {NUM_IMAGES - 1}; ± one standard error over captions.\n")
    heads = [f"absent of {m}, %" for m in range(1, MOST + 1)]
    print("| what is unwanted is |", " | ".join([*heads, "named still there, %", "diversity"]), "|")
    print("| --- " * (MOST + 3) + "|")
    by_word: dict[str, dict[str, list[float]]] = {}
    for name, draw in ways(pipeline, things):
        cells, kept, spread = [], [], []
        for rows in asked:
            gone = []
            for case in rows:
                result = draw(case)
                each = [absent(judge, result.images, things[word]) for word in case.unwanted]
                gone.append(float(np.mean(each)))
                for word, share in zip(case.unwanted, each, strict=True):
                    by_word.setdefault(word, {}).setdefault(name, []).append(share)
                seen = judge(result.images)
                right = [(seen[a] == v).float().mean() for a, v in case.named.items()]
                kept.append(float(torch.stack(right).mean()))
                unit = torch.nn.functional.normalize(result.image_embeddings, dim=1)
                cosines = (unit @ unit.T).sum() - len(unit)
                spread.append(1 - float(cosines) / (len(unit) * (len(unit) - 1)))
            cells.append(percent(gone))
        print("|", " | ".join([name, *cells, percent(kept), f"{np.mean(spread):.3f}"]), "|")
    shown = ("not said", "said in the prompt", "**embedding pushed away, weight 1**")
    print("\n| absent, % | " + " | ".join(by_word) + " |\n" + "| --- " * (len(by_word) + 1) + "|")
    for name in shown:
        row = [f"{100 * np.mean(by_word[word][name]):.0f}" for word in by_word]
        print("|", " | ".join([name.strip("*"), *row]), "|")


def vague_words(num: int) -> None:
    found = find_judge("stylegan:demo-faces")
    assert found is not None
    pipeline = c2l.load_pipeline("demo-faces", device="cpu")
    print("\n## Words that the demo's embedder does not know as people do\n")
    print(
        "Its captions say `eyeglasses` and `glasses` of the same thing and of no other, and `hat`"
    )
    print(f"alone only where there is none. {num} pictures each, absent in %:\n")
    print("| prompt | unwanted | of | not said | pushed away |\n| --- | --- | --- | --- | --- |")
    for prompt in ("a man", "a woman"):
        plain = pipeline(prompt, num_images=num)
        for of, unwanted in VAGUE_WORDS:
            pushed = pipeline(prompt, num_images=num, negative=list(unwanted))
            shares = [100 * absent(found[1], r.images, VAGUE[of]) for r in (plain, pushed)]
            row = [prompt, ", ".join(unwanted), of, *(f"{share:.1f}" for share in shares)]
            print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=60, help="captions for each number of things")
    num = parser.parse_args().num
    print("# Negation\n\nMade by `OMP_NUM_THREADS=1 python benchmarks/negation.py`, on a CPU")
    print(f"({platform.machine()}), torch {torch.__version__.partition('+')[0]}.")
    for world in WORLDS:
        table(world, num)
    vague_words(NUM_VAGUE)


if __name__ == "__main__":
    main()
