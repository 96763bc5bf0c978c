"""Every claim about speed on a CPU in one table with the goals; half an hour on a quiet machine.

    python benchmarks/all.py --official ~/stylegan3 --original ~/dalle2 --work DIR
    python benchmarks/all.py --work DIR --only startup live
    python benchmarks/all.py --work DIR --only

Each section is a benchmark of this folder, which can be run by itself as well, and writes its
figures into DIR as JSON. A section that is run again replaces its own; the table is made of all
that is there, so a run that was cut off goes on with ``--only`` and the sections that are missing.
``--official`` is a checkout of github.com/NVlabs/stylegan3, ``--original`` dalle2-pytorch 0.2.38
(see ``prior_cpu.py``). The machine is measured anew with each section, lest another hour's rate
stand beside its figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CORES = os.cpu_count() or 1
SYNTHESIS = "stylegan_cpu.py --official OFFICIAL --no-memory"
SECTIONS = {
    "startup": "startup.py",
    "stylegan2": f"{SYNTHESIS} --networks sg2-256 sg2-1024 --runs 7",
    "stylegan2-all-cores": f"{SYNTHESIS} --networks sg2-256 sg2-1024 --runs 7 --threads {CORES}",
    "stylegan3": f"{SYNTHESIS} --networks sg3-t-256 --runs 1",
    "prior": "prior_cpu.py --original ORIGINAL --rounds 9",
    "batches": f"batches.py --official OFFICIAL --threads {CORES}",
    "towers": "towers.py",
    "live": "live_stages.py --threads 2",
}


@dataclass(frozen=True)
class Line:
    """One line of the table: a quantity, what it is, and what it should be at least or at most."""

    section: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    most: bool = False

    def cells(self) -> str:
        """In Markdown."""
        if self.goal is None:
            return f"| {self.section} | {self.what} | {self.value:.2f} {self.unit} | | |"
        sign = "at most" if self.most else "at least"
        met = self.value <= self.goal if self.most else self.value >= self.goal
        verdict = "met" if met else f"missed by {abs(1 - self.value / self.goal):.0%}"
        return (
            f"| {self.section} | {self.what} | **{self.value:.2f}** {self.unit} "
            f"| {sign} {self.goal:g} | {verdict} |"
        )


def of_startup(told: Any) -> Iterator[Line]:
    goals = {"sample": 1.6}
    for row in told["rows"]:
        if row["process"] != "import torch":
            goal = goals.get(row["process"])
            what = f"{row['process']}, {row['seconds']:.2f} s"
            yield Line("start-up", what, row["ratio"], "times `import torch`", goal, most=True)


def of_synthesis(threads: int) -> Callable[[Any], Iterator[Line]]:
    key = "ratio" if threads == 1 else "wall_ratio"
    goals: dict[tuple[str, str], float] = (
        {
            ("sg2-256", "float32"): 2.0,
            ("sg2-1024", "float32"): 3.5,
            ("sg2-256", "bfloat16"): 3.7,
            ("sg2-1024", "bfloat16"): 4.5,
            ("sg3-t-256", "float32"): 8.0,
        }
        if threads == 1
        else {("sg2-256", "float32"): 1.6, ("sg2-1024", "float32"): 2.7}
    )

    def lines(told: Any) -> Iterator[Line]:
        for row in told:
            name, precision = row["network"], row["precision"]
            what = (
                f"{name} in {precision}, {row['official_ms']:.0f} to {row['c2l_ms']:.0f} ms of "
                f"CPU, error {row['rms_error_over_std']:.0e}"
            )
            goal = goals.get((name, precision))
            yield Line(f"{threads} threads", what, row[key], "times the official", goal)

    return lines


def of_prior(told: Any) -> Iterator[Line]:
    goals = {(1, 1, "bf16"): 4.3, (16, 1, "bf16"): 6.0, (16, 16, "bf16"): 6.0}
    for row in told:
        if row["variant"] != "original":
            precision = row["variant"].rpartition(" ")[2]
            goal = goals.get((row["batch"], row["prompts"], precision))
            what = f"{row['batch']} of {row['prompts']} prompts in {precision}, {row['ms']:.0f} ms"
            yield Line("the paper's prior", what, row["ratio"], "times the original", goal)


def of_batches(told: Any) -> Iterator[Line]:
    for row in told:
        more = row["peak_mb"] - row["warm_mb"]
        what = f"{row['num']} of {row['size']} px, {row['c2l']:.2f} a second, {more} MB more"
        yield Line("batches", what, row["ratio"], "times the official", 1.0)


def of_towers(told: Any) -> Iterator[Line]:
    for row in told:
        if row["way"] != "plain open_clip":
            what = f"{row['tower']}, {row['of']}, {row['way']}, {row['rate']:.1f} a second"
            yield Line("towers", what, row["ratio"], "times open_clip", 1.0)


def of_live(told: Any) -> Iterator[Line]:
    for row in told["rows"]:
        what = f"{row['stage']}, limit {row['limit_ms']:.1f}"
        goal = 25.0 if row["stage"] == "all" else None
        yield Line("prompt to pixels", what, row["ms"], "ms", goal, most=True)


LINES: dict[str, Callable[[Any], Iterator[Line]]] = {
    "startup": of_startup,
    "stylegan2": of_synthesis(1),
    "stylegan2-all-cores": of_synthesis(CORES),
    "stylegan3": of_synthesis(1),
    "prior": of_prior,
    "batches": of_batches,
    "towers": of_towers,
    "live": of_live,
}


def run(section: str, work: Path, folders: dict[str, Path | None]) -> None:
    """Run one, and measure the machine after it."""
    words = SECTIONS[section].split()
    for place, folder in folders.items():
        if place in words and folder is None:
            raise SystemExit(f"{section} needs --{place.lower()}")
    command = [str(folders.get(word) or word) for word in words]
    start = time.perf_counter()
    print(f"{section}: {' '.join(command)}", file=sys.stderr, flush=True)
    for script in ([*command], ["processor.py"]):
        name = section if script[0] != "processor.py" else f"{section}.machine"
        subprocess.run(
            [sys.executable, HERE / script[0], *script[1:], "--json", work / f"{name}.json"],
            stdout=sys.stderr,
            check=True,
        )
    print(f"{section}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def table(work: Path) -> str:
    """All that is known."""
    lines, machines = [], []
    for section, read in LINES.items():
        path = work / f"{section}.json"
        if path.exists():
            lines += [line.cells() for line in read(json.loads(path.read_text()))]
            machines.append(json.loads((work / f"{section}.machine.json").read_text()))
    if not machines:
        raise SystemExit(f"{work} holds no figures; name sections after --only")
    one = machines[-1]

    def rate(name: str) -> str:
        low, high = (pick(m[name] for m in machines) for pick in (min, max))
        return f"{low:.0f} to {high:.0f}"

    return "\n".join(
        [
            f"{one['processor']} ({', '.join(one['units'])}), {one['cores']} cores, torch "
            f"{one['torch']}. One thread of it, measured beside each section: {rate('product')} "
            f"GFLOP/s in a product of float32, {rate('convolution')} in a convolution, "
            f"{rate('product_bf16')} in a product of bf16; {rate('gigabytes_read')} GB/s read.\n",
            "| | what | measured | goal | |\n| --- | --- | --- | --- | --- |",
            *lines,
        ]
    )


def main() -> None:
    """Run sections and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--official", type=Path, help="a checkout of stylegan3")
    parser.add_argument("--original", type=Path, help="where dalle2-pytorch lies")
    parser.add_argument("--work", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--only", nargs="*", choices=list(SECTIONS), default=list(SECTIONS))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    folders = {"OFFICIAL": options.official, "ORIGINAL": options.original}
    for section in options.only:
        run(section, options.work, folders)
    print(table(options.work))


if __name__ == "__main__":
    main()
