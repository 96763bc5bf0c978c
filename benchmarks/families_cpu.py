"""Every family on a CPU: this project's network beside the official code, at a published size.

    python benchmarks/families_cpu.py --official ~/checkouts

``--official`` holds a checkout of each official repository, under its own name. Each family takes
a process of its own, with one thread. Both draw the same image from the same random weights, in
turn, so that whatever else the machine does meets them alike; the first turn is not counted. Times
are medians of processor time, the ratio is the median over the turns. TensorFlow's code is timed
as genforce's PyTorch of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    from families import NAMES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3, help="counted turns of each")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("families", nargs="*", default=list(NAMES), metavar="FAMILY")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_measured(options.families[0], options.official, options.runs)))
        return
    print(f"    {' '.join(['python', *sys.argv])}\n")
    print("| family | px | official ms | c2l ms | times as fast | max error / std |")
    print("| --- " * 6 + "|")
    for name in options.families:
        command = [sys.executable, __file__, "--child", "--official", str(options.official)]
        done = subprocess.run(
            [*command, "--runs", str(options.runs), name], capture_output=True, text=True
        )
        if done.returncode:
            print(
                f"| {name} | {(done.stderr.strip().splitlines() or ['?'])[-1][:90]} |", flush=True
            )
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        cells = [name, str(row["px"]), f"{row['official']:.0f}", f"{row['c2l']:.0f}"]
        cells += [f"**{row['ratio']:.2f}**", f"{row['error']:.1e}"]
        print(f"| {' | '.join(cells)} |", flush=True)


def _measured(name: str, official: Path, runs: int) -> dict[str, Any]:
    import torch
    from families import open_family
    from families_golden import network_width

    import c2l

    torch.set_num_threads(1)
    family = open_family(name, official)
    network = family.usual()
    with tempfile.TemporaryDirectory() as folder:
        family.save(network, Path(folder, family.FILE))
        ours: Any = c2l.load_generator(str(Path(folder, family.FILE)))
    z = torch.randn(1, network_width(ours), generator=torch.Generator().manual_seed(2))
    turns, error = [], 0.0
    with torch.inference_mode():
        for _ in range(runs + 1):
            start = time.process_time()
            drawn = family.draw(network, ours, z)
            between = time.process_time()
            chosen = {"classes": drawn["classes"].tolist()} if "classes" in drawn else {}
            images = ours.synthesize(ours.map(z, **chosen if ours.classes else {}))
            turns.append((between - start, time.process_time() - between))
            wanted = drawn["images"][:, :3]
            error = max(error, float((images - wanted).abs().max() / wanted.std()))
    theirs, own = (statistics.median(times) * 1000 for times in zip(*turns[1:], strict=True))
    ratio = statistics.median(their / our for their, our in turns[1:])
    return {"px": images.shape[-1], "official": theirs, "c2l": own, "ratio": ratio, "error": error}


if __name__ == "__main__":
    main()
