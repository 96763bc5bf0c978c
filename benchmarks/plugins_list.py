"""What plugins of others cost: ``c2l plugins list`` and ``c2l sample`` with fifty of them and none.

    python benchmarks/plugins_list.py

Five of the fifty take a second to be imported and five break. They are described once, and the
answers are kept; the first line is that first time. Processes take turns; medians of wall time, and
of the processor's time, which tells more where others use the machine as well.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from c2l.testing import install_package, plugin_source

BROKEN = ("1 / 0", "import os; os._exit(9)", "raise KeyboardInterrupt", "exit()", "import nope_")
ROUNDS = 7


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site, home = Path(folder) / "site", Path(folder) / "home"
        make_plugins(site)
        out = str(Path(folder) / "out")
        print("| command | plugins | s (range) | of the processor |\n| --- | --- | --- | --- |")
        first, work = run(["plugins", "list"], home, site)
        print(f"| plugins list, the first time | 50 | {first:.2f} | {work:.2f} |")
        for command in (["plugins", "list"], ["sample", "a man", "--seeds", "1-4", "--out", out]):
            times: dict[int, list[tuple[float, float]]] = {0: [], 50: []}
            for _ in range(ROUNDS):
                times[0].append(run(command, home))
                times[50].append(run(command, home, site))
            for num, both in times.items():
                name = " ".join(command[:2])
                some, spent = zip(*both, strict=True)
                middle, work = statistics.median(some), statistics.median(spent)
                spread = f"{min(some):.2f} to {max(some):.2f}"
                print(f"| {name} | {num} | {middle:.2f} ({spread}) | {work:.2f} |")


def make_plugins(site: Path) -> None:
    for number in range(50):
        source = plugin_source(f"kind{number}")
        if number < 5:
            source = "import time; time.sleep(1)\n" + source
        elif number < 10:
            source = BROKEN[number - 5]
        install_package(site, f"c2l-x{number}", {f"x{number}": source})


def run(command: list[str], home: Path, *places: Path) -> tuple[float, float]:
    """Seconds on the clock, and of the processor."""
    path = os.pathsep.join([*filter(None, sys.path), *map(str, places)])
    start, before = time.perf_counter(), os.times()
    subprocess.run(
        [sys.executable, "-m", "c2l", *command],
        env={**os.environ, "PYTHONPATH": path, "C2L_HOME": str(home)},
        capture_output=True,
        check=True,
    )
    after = os.times()
    spent = after[2] + after[3] - before[2] - before[3]  # user and system, of children
    return time.perf_counter() - start, spent


if __name__ == "__main__":
    main()
