"""What a first picture has to wait for: processes beside ``python -c "import torch"``, in turns.

    python benchmarks/startup.py
    python benchmarks/startup.py --rounds 3 --only sample notebook

Each command is a process of its own, timed by the clock from its start to its end; nine of each, in
turns, so that whatever else the machine does meets them alike. The first round is not counted: it
reads the files from the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

C2L = [sys.executable, "-m", "c2l"]
HEAVY = ("open_clip", "torchvision", "timm", "torch._dynamo")


def run(command: Sequence[str], folder: Path) -> float:
    """Seconds that a process takes."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return seconds


def first_answer(folder: Path) -> float:
    """Seconds from the start of ``c2l serve`` to its first picture."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    server = subprocess.Popen(
        [*C2L, "serve", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        body = json.dumps({"prompt": "a happy man", "n": 1}).encode()
        ask = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/images/generations",
            body,
            {"Content-Type": "application/json"},
        )
        while True:
            try:
                with urllib.request.urlopen(ask) as answer:
                    answer.read()
                return time.perf_counter() - start
            except OSError:
                if server.poll() is not None:
                    raise SystemExit("c2l serve ended") from None
                time.sleep(0.01)
    finally:
        server.terminate()
        server.wait()


def processes() -> dict[str, Callable[[Path], float]]:
    """What is timed."""

    def python(code: str) -> Callable[[Path], float]:
        return lambda folder: run([sys.executable, "-c", code], folder)

    def c2l(*words: str) -> Callable[[Path], float]:
        return lambda folder: run([*C2L, *words], folder)

    notebook = "import c2l; c2l.load_pipeline('demo-faces')('a happy man').images"
    return {
        "import torch": python("import torch"),
        "sample": c2l("sample", "a happy man", "--num", "1"),
        "sample-four": c2l("sample", "a happy man"),
        "notebook": python(notebook),
        "serve": first_answer,
        "import open_clip": python("import open_clip"),
    }


def heavy_modules(folder: Path) -> list[str]:
    """What ``c2l sample`` imports of what it should not."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "c2l", "sample", "a happy man", "--num", "1"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    return [name for name in HEAVY if name in imported]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = processes()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", choices=list(known), default=list(known))
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    names = list(dict.fromkeys(["import torch", *options.only]))
    spent: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn in range(options.rounds + 1):
            for process in names:
                seconds = known[process](folder)
                if turn:
                    spent[process].append(seconds)
        heavy = heavy_modules(folder)
    torch = statistics.median(spent["import torch"])
    print(f"{os.cpu_count()} cores; {', '.join(heavy) or 'none'} of {', '.join(HEAVY)} imported\n")
    print("| process | seconds (least to most) | times `import torch` |\n| --- | --- | --- |")
    rows = []
    for process, times in spent.items():
        median = statistics.median(times)
        rows.append({"process": process, "seconds": median, "ratio": median / torch})
        print(
            f"| {process} | {median:.2f} ({min(times):.2f} to {max(times):.2f}) "
            f"| **{median / torch:.2f}** |"
        )
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "heavy": heavy}, indent=1) + "\n")


if __name__ == "__main__":
    main()
