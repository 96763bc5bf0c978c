"""One thing of a face changed: what changes, what stays, and what it costs.

    OMP_NUM_THREADS=1 python benchmarks/editing.py > benchmarks/editing.md
    OMP_NUM_THREADS=1 python benchmarks/editing.py --entangled FOLDER >> benchmarks/editing.md

Faces of the demo, drawn by its generator from seeds that no direction saw. The demo's judge, which
saw neither generator nor embedder, says what they show before and after. ``--entangled`` does the
same with latents that were mixed (``entangled.py``); FOLDER keeps the prior that is trained for it,
with ``--device cuda`` on a GPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import NamedTuple

import entangled
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

import c2l
from c2l.editing.directions import adhere
from c2l.evaluation import Judge, find_judge
from c2l_demo.worlds.faces.attributes import VALUES

FIRST_FACE = 9_000_000
"""Of those that are reported; constants were tried on others."""

SNAPSHOTS = (40, 100, 300)
"""Steps of StyleCLIP's descent after which its faces are looked at; its authors make 300."""


WAYS = ("direction", "adhere", "StyleCLIP")
EXACTNESS = "exactness"
"""No way of changing anything: how far judge and entangled latents can be trusted."""


class Case(NamedTuple):
    """Two prompts, and the attribute that they tell apart.

    Args:
        value: that ``end`` names.
        first: that ``start`` names, if any.
    """

    start: str
    end: str
    attribute: str
    value: str
    first: str | None = None


CASES = (
    Case("a neutral face", "a smiling face", "expression", "happy", "neutral"),
    Case("a face", "a face with eyeglasses", "glasses", "eyeglasses"),
    Case("a young person", "an elderly person", "age", "elderly", "young"),
    Case("a face", "a face with a red cap", "hat", "red cap"),
    Case("a person with black hair", "a person with blonde hair", "hair_colour", "blonde", "black"),
    Case("a man", "a man with a beard", "facial_hair", "beard"),
)


class Change(NamedTuple):
    """Shares of the faces, from 0 to 1.

    Args:
        changed: that show the named attribute, of those that did not.
        kept: that show what they showed, by each other attribute.
        num: faces that did not show it.
    """

    changed: float
    kept: Mapping[str, float]
    num: int

    @property
    def worst(self) -> tuple[str, float]:
        return min(self.kept.items(), key=lambda item: item[1])

    @property
    def mean(self) -> float:
        return sum(self.kept.values()) / len(self.kept)


def draw(pipeline: c2l.Pipeline, latents: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([pipeline.generator.synthesize(some) for some in latents.split(32)])


def can_show(case: Case, seen: Mapping[str, Tensor]) -> Tensor:
    """Which faces do not show the value yet and could: no beard on a child, no colour on a bald."""
    able = seen[case.attribute] != VALUES[case.attribute].index(case.value)
    if case.attribute == "facial_hair":
        able &= (seen["gender"] == VALUES["gender"].index("man")) & (seen["age"] != 0)
    if case.attribute == "hair_colour":
        able &= seen["hair_style"] != VALUES["hair_style"].index("bald")
    return able


def compare(case: Case, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> Change:
    bald = VALUES["hair_style"].index("bald")
    has_hair = (before["hair_style"] != bald) & (after["hair_style"] != bald)
    kept = {}
    for name in before:
        if name != case.attribute:
            same = (before[name] == after[name]).float()
            kept[name] = float((same[has_hair] if name == "hair_colour" else same).mean())
    shown = after[case.attribute] == VALUES[case.attribute].index(case.value)
    return Change(float(shown.float().mean()), kept, len(shown))


def styleclip(
    pipeline: c2l.Pipeline, latents: Tensor, text: str, pull: float
) -> tuple[dict[int, Tensor], float]:
    """Latents (B, K, D) after some steps, and seconds a step and face.

    Adam on the latent from 1 - cosine of picture and text and the squared distance from where it
    began (Patashnik et al. 2021, arXiv 2103.17249, section 4), its rate in standard deviations.
    """
    generator, embedder = pipeline.generator, pipeline.embedder
    want = embedder.embed_text([text])
    std = generator.latent_space.std[None]
    found = {}
    begin = process_time()
    offset = torch.zeros_like(latents, requires_grad=True)
    adam = torch.optim.Adam([offset], lr=0.1)
    for step in range(1, SNAPSHOTS[-1] + 1):
        for rows in torch.arange(len(latents)).split(8):  # gradients of a few at a time
            seen = embedder.embed_images(generator.synthesize(latents[rows] + std * offset[rows]))
            loss = (1 - cosine_similarity(seen, want)).sum()
            loss = loss + pull * offset[rows].square().mean(dim=(1, 2)).sum()
            loss.backward()
        adam.step()
        adam.zero_grad()
        if step in SNAPSHOTS:
            found[step] = (latents + std * offset).detach().clone()
    seconds = (process_time() - begin) / (SNAPSHOTS[-1] * len(latents))
    return found, seconds


class Plan(NamedTuple):
    """What is measured.

    Args:
        ways: of ``WAYS``.
        num: faces that are drawn; those that could show the thing and do not yet are moved.
        adhered, optimised: the most of these that are moved one by one.
        cases: of ``CASES``.
    """

    ways: Sequence[str]
    num: int
    adhered: int
    optimised: int
    cases: Sequence[Case]


class Row(NamedTuple):
    """What one way makes of a case."""

    way: str
    change: Change
    seconds: float


def rows_of(pipeline: c2l.Pipeline, judge: Judge, case: Case, plan: Plan) -> list[Row]:
    num = plan.num
    latents = pipeline.generator.sample_latents(range(FIRST_FACE, FIRST_FACE + num))
    before = judge(draw(pipeline, latents))
    able = can_show(case, before)
    latents, before = latents[able], {name: values[able] for name, values in before.items()}

    def judged(moved: Tensor) -> Change:
        some = {name: values[: len(moved)] for name, values in before.items()}
        return compare(case, some, judge(draw(pipeline, moved)))

    found = []
    if "direction" in plan.ways:
        begin = process_time()
        direction = pipeline.direction(case.start, case.end)
        making = process_time() - begin
        after = judge(draw(pipeline, direction.apply(latents)))
        found.append(Row("direction", compare(case, before, after), making / num))
        if case.first is not None:
            first = before[case.attribute] == VALUES[case.attribute].index(case.first)
            ones = [{name: x[first] for name, x in seen.items()} for seen in (before, after)]
            way = f"direction, from {case.first}"
            found.append(Row(way, compare(case, *ones), making / num))
    if "adhere" in plan.ways:
        some = pipeline.generator.latent_space.expand(latents)[: plan.adhered]
        begin = process_time()
        moves = adhere(pipeline, some, case.end, start=case.start)
        spent = (process_time() - begin) / len(some)
        moved = [m.direction.apply(x[None]) for m, x in zip(moves, some, strict=True)]
        found.append(Row("adhere", judged(torch.cat(moved)), spent))
    if "StyleCLIP" in plan.ways:
        by_steps, a_step = styleclip(pipeline, latents[: plan.optimised], case.end, pull=0.02)
        for steps, after in by_steps.items():
            found.append(Row(f"StyleCLIP, {steps} steps", judged(after), steps * a_step))
    return found


def table(title: str, pipeline: c2l.Pipeline, judge: Judge, plan: Plan) -> None:
    print(f"\n## {title}\n")
    print(
        f"Those of {plan.num} faces that do not show it and could; at most {plan.adhered} for "
        f"adhering, {plan.optimised} for StyleCLIP's way."
    )
    print("Seconds are those of one core; making a direction is shared out among its faces.\n")
    print("| prompts | way | faces | changed, % | kept, mean, % | kept least, % | s a face |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    everything: dict[str, list[Row]] = {}
    for case in plan.cases:
        for row in rows_of(pipeline, judge, case, plan):
            everything.setdefault(row.way, []).append(row)
            change, (name, least) = row.change, row.change.worst
            print(
                f"| {case.start} → {case.end} | {row.way} | {change.num} | "
                f"{100 * change.changed:.0f} | {100 * change.mean:.1f} | "
                f"{100 * least:.0f} ({name.replace('_', ' ')}) | {row.seconds:.2f} |",
                flush=True,
            )
    for way, rows in everything.items():
        if len(rows) < len(CASES):
            continue
        print(
            f"| **all six** | {way} | | {100 * fmean([r.change.changed for r in rows]):.0f} | "
            f"{100 * fmean([r.change.mean for r in rows]):.1f} | "
            f"{100 * min(r.change.worst[1] for r in rows):.0f} | "
            f"{fmean([r.seconds for r in rows]):.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=100, help="faces that are drawn")
    parser.add_argument("--adhered", type=int, default=50, help="the most to adhere")
    parser.add_argument("--optimised", type=int, default=4, help="the most for StyleCLIP's way")
    parser.add_argument("--ways", nargs="+", choices=(*WAYS, EXACTNESS), default=WAYS)
    attributes = [case.attribute for case in CASES]
    parser.add_argument("--attributes", nargs="+", choices=attributes, default=attributes)
    parser.add_argument("--entangled", type=Path, metavar="FOLDER")
    parser.add_argument("--pairs", type=int, default=entangled.NUM_PAIRS, help="of its prior")
    parser.add_argument("--steps", type=int, default=entangled.STEPS, help="of its training")
    parser.add_argument("--device", default="cpu", help="that its prior is trained on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = find_judge("stylegan:demo-faces")
    assert found is not None
    if arguments.entangled is None:
        pipeline, title = c2l.load_pipeline("demo-faces", device="cpu"), "The demo's faces"
        print("# Editing: one thing changed, everything else kept")
    else:
        how = arguments.pairs, arguments.steps, arguments.device
        pipeline, title = entangled.pipeline(arguments.entangled, *how), "Entangled faces"
        if EXACTNESS in arguments.ways:
            entangled.exactness(pipeline.generator, found[1])
            return
        alone, together = entangled.measure_mixing(pipeline.generator)
    cases = [case for case in CASES if case.attribute in arguments.attributes]
    plan = Plan(arguments.ways, arguments.num, arguments.adhered, arguments.optimised, cases)
    table(title, pipeline, found[1], plan)
    if arguments.entangled is not None:
        print(
            f"\nOf the variance of a plain number, the mixed number that knows most of it explains "
            f"{alone:.0%}, and all of them together {together:.0%}."
        )


if __name__ == "__main__":
    main()
