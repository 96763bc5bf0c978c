"""Ray Serve: two replicas, one of them killed under load.

    python benchmarks/serve_ray.py

Starts ``c2l serve --engine ray --replicas 2`` with the demo as a process of its own, and draws a
few pictures while nothing else happens. Then clients draw them again, without a pause, and in the
middle one replica is killed with SIGKILL. Counted are the answers by status and the pictures that
differ from the first ones by more than one level of 255; measured is how long it takes until two
replicas draw again, as the server's log tells it.
"""

from __future__ import annotations

import argparse
import base64
import collections
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROMPTS = ("a man", "a woman with glasses", "a child", "a man with a beard")


class Served:
    """The server as a process, and its log as it comes."""

    def __init__(self) -> None:
        words = ["serve", "--engine", "ray", "--replicas", "2", "--recipe", "demo-faces"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "c2l", *words, "--device", "cpu", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[tuple[float, str]] = []
        self.url = ""
        self._ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        while not self._ready.wait(1):
            if self.process.poll() is not None:
                raise ChildProcessError(self.lines[-1][1])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append((time.monotonic(), line.strip()))
            if line.startswith("serving on "):
                self.url = line.split()[-1]
                self._ready.set()

    def when(self, words: str, since: float, patience: float) -> float | None:
        """Seconds from ``since`` until a line with these words; None if it does not come."""
        while time.monotonic() < since + patience:
            for at, line in list(self.lines):
                if at >= since and words in line:
                    return at - since
            time.sleep(0.1)
        return None

    def replicas(self) -> list[int]:
        """The processes that draw: those below the server, and no others on this machine."""
        below: dict[int, list[int]] = collections.defaultdict(list)
        names: dict[int, str] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                names[int(folder.name)] = (folder / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            below[int(stat.rpartition(")")[2].split()[1])].append(int(folder.name))
        found, left = [], [self.process.pid]
        while left:
            inner = below[left.pop()]
            left += inner
            found += [pid for pid in inner if names[pid].startswith("ray::ServeReplica")]
        return found

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(120)


def started(tries: int = 8) -> Served:
    """A server. On a very busy machine Ray gives up after half a minute, and is asked again."""
    for number in range(1, tries + 1):
        begun = time.monotonic()
        try:
            served = Served()
            print(f"started in {time.monotonic() - begun:.0f} s, at try {number}", flush=True)
            return served
        except ChildProcessError as error:
            print(error, file=sys.stderr)
    raise SystemExit("the server does not start")


def ask(url: str, prompt: str, seed: int) -> tuple[int, Any]:
    """Status and body of one drawing."""
    body = json.dumps({"prompt": prompt, "seed": seed}).encode()
    request = urllib.request.Request(
        f"{url}/api/v1/sample", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=130) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def pixels(answer: Any) -> np.ndarray:
    data = base64.b64decode(answer["pictures"][0]["image"])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)


@dataclass
class Tally:
    """What clients got."""

    statuses: collections.Counter[str] = field(default_factory=collections.Counter)
    wrong: int = 0
    longest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def draw_again_and_again(
    url: str, number: int, first: dict[tuple[str, int], np.ndarray], until: float, tally: Tally
) -> None:
    wanted = list(first)
    while time.monotonic() < until:
        number += 1
        asked = wanted[number % len(wanted)]
        start = time.monotonic()
        try:
            status, answer = ask(url, *asked)
        except OSError as error:
            status, answer = type(error).__name__, None
        took = time.monotonic() - start
        wrong = status == 200 and bool(abs(pixels(answer) - first[asked]).max() > 1)
        with tally.lock:
            tally.statuses[str(status)] += 1
            tally.wrong += wrong
            tally.longest = max(tally.longest, took)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0, help="under load; the kill is at 10")
    given = parser.parse_args()
    served = started()
    try:
        asked = [(prompt, seed) for prompt in PROMPTS for seed in (1, 2)]
        first = {one: pixels(ask(served.url, *one)[1]) for one in asked}
        tally, until = Tally(), time.monotonic() + given.seconds
        clients = [
            threading.Thread(target=draw_again_and_again, args=(served.url, n, first, until, tally))
            for n in range(given.clients)
        ]
        for client in clients:
            client.start()
        time.sleep(10)
        victims = served.replicas()
        assert len(victims) == 2, victims
        killed = time.monotonic()
        os.kill(victims[0], signal.SIGKILL)
        back = served.when("2 replicas draw", killed, 120)
        for client in clients:
            client.join()
        with urllib.request.urlopen(f"{served.url}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        repeated = next(x.split()[1] for x in lines if x.startswith("c2l_repeated_total"))
        statuses = ", ".join(f"{num} x {code}" for code, num in sorted(tally.statuses.items()))
        print(f"answers: {statuses}")
        print(f"pictures that differ: {tally.wrong}")
        print(f"works given to another replica: {float(repeated):.0f}")
        print(f"longest answer: {tally.longest:.1f} s")
        print("two replicas again: " + (f"after {back:.1f} s" if back else "not within 120 s"))
    finally:
        served.close()


if __name__ == "__main__":
    main()
