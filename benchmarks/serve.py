"""The HTTP service under load: throughput, waiting, memory, right pictures, and what is lost.

    python benchmarks/serve.py > benchmarks/serve.md

64 clients, each from an address of its own, ask one after the other for one picture of a prompt and
a seed by ``/v1/images/generations``; refused ones come again as they are told. Two servers, one of
batches of one, take turns, so that whatever else the machine does meets both. Then clients that
leave in the middle, a SIGTERM and a SIGKILL. In the end every picture is compared with that of a
lone run of the pipeline.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import itertools
import json
import os
import platform
import random
import re
import signal
import statistics
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, sleep

import numpy as np
import torch
from PIL import Image

import c2l

RECIPE = "demo-faces"
BATCH = 32
DIFFERENT = 250
"""Pairs of a prompt and a seed; each is asked for several times, among other companions."""

WORDS = (
    ("a young", "an old"),
    ("man", "woman"),
    ("with red hair", "with grey hair", "with black hair"),
    ("and glasses", "and a hat", "smiling"),
)

Asked = tuple[str, int]


@dataclass
class Seen:
    """What clients saw.

    Args:
        statuses: how often each was answered.
        seconds: from the first attempt at a picture to its answer, without waits that were asked
            for.
        answers: the body of each request's.
        memory: of the server, in MiB, now and then.
        cut: connections that ended without an answer; ``left``: those that a client ended.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    answers: list[tuple[Asked, bytes]] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    cut: int = 0
    left: int = 0


class Server:
    """``c2l serve`` in a process of its own."""

    def __init__(self, batch: int, port: int = 0) -> None:
        start = perf_counter()
        command = [sys.executable, "-m", "c2l", "serve", "--recipe", RECIPE, "--device", "cpu",
                   "--port", str(port), "--batch", str(batch)]  # fmt: skip
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"serving on http://[\d.]+:(\d+)", line):
                self.port = int(found[1])
                break
        self.seconds_to_serve = perf_counter() - start
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    @property
    def mean_batch(self) -> float:
        """Pictures in a batch, as its metrics tell."""
        told = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics").read().decode()
        pictures, batches = (
            float(re.search(rf"^c2l_{name}_total (\S+)", told, re.M)[1])  # type: ignore[index]
            for name in ("pictures", "batches")
        )
        return pictures / batches

    @property
    def memory(self) -> float:
        """MiB in use."""
        status = open(f"/proc/{self.process.pid}/status").read()  # noqa: SIM115
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    @property
    def cpu_seconds(self) -> float:
        """That it computed, all threads."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")")[1].split()  # noqa: SIM115
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait()


@contextmanager
def serving(batch: int) -> Iterator[Server]:
    server = Server(batch)
    try:
        yield server
    finally:
        server.stop()


class Client:
    """One client: a connection that is kept, or made again.

    Args:
        number: of its address, 127.0.1.NUMBER.
    """

    def __init__(self, number: int, port: int, seen: Seen) -> None:
        self._address = (f"127.0.1.{number + 1}", 0)
        self._port = port
        self._seen = seen
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def picture(self, asked: Asked) -> None:
        """Ask until there is a picture."""
        start, waited = perf_counter(), 0.0
        while True:
            try:
                status, retry_after, body = await self._ask(asked)
            except ConnectionRefusedError:  # between two servers
                await asyncio.sleep(0.2)
                waited += 0.2
                continue
            except (OSError, asyncio.IncompleteReadError):
                self._seen.cut += 1
                self.close()
                await asyncio.sleep(0.2)
                waited += 0.2
                continue
            self._seen.statuses[status] += 1
            if status == 200:
                break
            if status not in (429, 503):
                raise RuntimeError(f"{status}: {body[:300]!r}")
            await asyncio.sleep(retry_after)
            waited += retry_after
        self._seen.seconds.append(perf_counter() - start - waited)
        self._seen.answers.append((asked, body))  # looked at when nothing is measured

    async def leave(self, asked: Asked) -> None:
        """Ask, and leave before it is answered."""
        try:
            _, writer = await self._send(asked)
            await asyncio.sleep(random.uniform(0, 0.3))
            writer.transport.abort()
            self._seen.left += 1
        except OSError:
            pass  # the server is gone as well
        self._streams = None

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
        self._streams = None

    async def _send(self, asked: Asked) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()  # the server has closed it since the last answer
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=self._address, limit=1 << 22
            )
        prompt, seed = asked
        body = json.dumps({"prompt": prompt, "seed": seed, "model": RECIPE}).encode()
        head = (
            "POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._streams[1].write(head.encode() + body)
        return self._streams

    async def _ask(self, asked: Asked) -> tuple[int, float, bytes]:
        reader, _ = await self._send(asked)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(re.search(r"content-length: (\d+)", head)[1])  # type: ignore[index]
        body = await reader.readexactly(length)
        again = re.search(r"retry-after: (\d+)", head)
        if "connection: close" in head:
            self.close()
        return int(head.split()[1]), float(again[1]) if again else 0.5, body


def pixels_of(body: bytes) -> bytes:
    file = base64.b64decode(json.loads(body)["data"][0]["b64_json"])
    return Image.open(io.BytesIO(file)).convert("RGB").tobytes()


def requests(num: int) -> list[Asked]:
    texts = [" ".join(words) for words in itertools.product(*WORDS)]
    different = [(texts[i % len(texts)], i) for i in range(DIFFERENT)]
    asked = [different[i % DIFFERENT] for i in range(num)]
    random.Random(0).shuffle(asked)
    return asked


async def load(
    server: Server, asked: list[Asked], clients: int, seen: Seen, leaving: int = 0
) -> None:
    """Ask for everything with so many clients at once.

    Args:
        leaving: further clients, which leave all the time.
    """
    rest = list(asked)
    every = max(1, len(asked) // 20)

    async def work(number: int) -> None:
        client = Client(number, server.port, seen)
        while rest:
            await client.picture(rest.pop())
            if len(seen.seconds) % every == 0:
                seen.memory.append(server.memory)
        client.close()

    async def bother(number: int) -> None:
        client = Client(number, server.port, seen)
        while rest:
            await client.leave(asked[number])
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(work(number))
        for number in range(leaving):
            group.create_task(bother(clients + number))


def ran(server: Server, asked: list[Asked], clients: int, seen: Seen, **how: int) -> float:
    """Seconds of ``load``."""
    start = perf_counter()
    asyncio.run(load(server, asked, clients, seen, **how))
    return perf_counter() - start


def killed(asked: list[Asked], clients: int, how: signal.Signals, seen: Seen) -> Server:
    """Load a server, stop it in the middle, and start it again on its port."""
    server = Server(BATCH)
    again: list[Server] = []

    def replace_it() -> None:
        while len(seen.seconds) < len(asked) // 3:
            sleep(0.01)
        server.stop(how)
        again.append(Server(BATCH, server.port))

    thread = threading.Thread(target=replace_it)
    thread.start()
    asyncio.run(load_without_memory(server, asked, clients, seen))
    thread.join()
    again[0].stop()
    return again[0]


async def load_without_memory(server: Server, asked: list[Asked], clients: int, seen: Seen) -> None:
    rest = list(asked)

    async def work(number: int) -> None:
        client = Client(number, server.port, seen)
        while rest:
            await client.picture(rest.pop())
        client.close()

    await asyncio.gather(*(work(number) for number in range(clients)))


def largest_difference(several: list[Seen]) -> tuple[int, int]:
    """How many pictures there are, and the most levels between one and that of a lone run."""
    pipeline = c2l.load_pipeline(RECIPE, device="cpu")
    answers = [answer for seen in several for answer in seen.answers]
    alone: dict[Asked, np.ndarray] = {}
    most = 0
    for asked, body in answers:
        if asked not in alone:
            picture = pipeline(asked[0], seed=asked[1])[0]
            alone[asked] = np.asarray(picture.pil()).astype(int).ravel()
        drawn = np.frombuffer(pixels_of(body), np.uint8)
        most = max(most, int(abs(alone[asked] - drawn).max()))
    return len(answers), most


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |")


def heading(*names: str) -> None:
    row(*names)
    row(*("---" for _ in names))


def answered(seen: Seen) -> str:
    return ", ".join(f"{status}: {num:,}" for status, num in sorted(seen.statuses.items()))


def batches(asked: list[Asked], clients: int, turns: int) -> list[Seen]:
    """Two servers in turns, and a table of them. The slower one has a quarter of the work."""
    print("\n## Batches\n\nThe two servers take turns.\n")
    sizes = (BATCH, 1)
    told = {size: Seen() for size in sizes}
    cpu = dict.fromkeys(sizes, 0.0)
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    with serving(BATCH) as many, serving(1) as one:
        servers = dict(zip(sizes, (many, one), strict=True))
        for server in servers.values():
            ran(server, asked[:clients], clients, Seen())  # the first pictures take longer
        for part in (asked[i::turns] for i in range(turns)):
            for size, server in servers.items():
                some = part if size == BATCH else part[: max(clients, len(part) // 4)]
                before = server.cpu_seconds
                seconds = ran(server, some, clients, told[size])
                cpu[size] += server.cpu_seconds - before
                rates[size].append(len(some) / seconds)
        means = {size: server.mean_batch for size, server in servers.items()}
    heading("a batch, at most", "on average", "requests", "answers", "pictures a second",
            "CPU ms of the server for each", "p50 s", "p95 s")  # fmt: skip
    for size, seen in told.items():
        percentiles = statistics.quantiles(seen.seconds, n=100)
        num = len(seen.seconds)
        row(size, f"{means[size]:.1f}", f"{num:,}", answered(seen),
            f"{statistics.median(rates[size]):.1f}", f"{cpu[size] / num * 1000:.1f}",
            f"{percentiles[49]:.2f}", f"{percentiles[94]:.2f}")  # fmt: skip
    ratios = [f"{a / b:.1f}" for a, b in zip(*rates.values(), strict=True)]
    print(f"\nThroughput of batches over that of one by one, turn by turn: {', '.join(ratios)}.")
    memory = told[BATCH].memory[len(told[BATCH].memory) // 4 :]
    print(f"\nMemory of the server from request {len(asked) // 4} on: {min(memory):.0f} to "
          f"{max(memory):.0f} MiB ({max(memory) / min(memory) - 1:.1%}).")  # fmt: skip
    return list(told.values())


def faults(asked: list[Asked], clients: int) -> list[Seen]:
    """Clients that leave and servers that are stopped, and a table of what the others see."""
    print("\n## Faults\n")
    heading("what happens", "requests", "answers", "connections cut", "served again after")
    left = Seen()
    with serving(BATCH) as server:
        ran(server, asked, clients, left, leaving=16)
    what = f"{left.left:,} more requests, whose clients leave"
    row(what, f"{len(left.seconds):,}", answered(left), left.cut, "-")
    every = [left]
    for how in (signal.SIGTERM, signal.SIGKILL):
        seen = Seen()
        again = killed(asked, clients, how, seen)
        row(how.name, f"{len(seen.seconds):,}", answered(seen), seen.cut,
            f"{again.seconds_to_serve:.1f} s")  # fmt: skip
        every.append(seen)
    return every


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--turns", type=int, default=4)
    given = parser.parse_args()
    asked = requests(given.requests)
    print(f"# The HTTP service under load\n\n`python benchmarks/serve.py` on {os.cpu_count()} "
          f"cores ({platform.machine()}), Python {platform.python_version()}, torch "
          f"{torch.__version__}; load average {os.getloadavg()[0]:.1f} before it began. "
          f"{given.clients} clients, {len(asked):,} requests for one picture of 128 px each "
          f"({RECIPE}).")  # fmt: skip
    every = batches(asked, given.clients, given.turns)
    every += faults(asked[: len(asked) // 4], given.clients)
    num, most = largest_difference(every)
    print(f"\nEvery request got its picture in the end. All {num:,} pictures, of {DIFFERENT} pairs "
          f"of a prompt and a seed, were compared with those of lone runs: at most {most} of 255 "
          "levels apart.")  # fmt: skip


if __name__ == "__main__":
    main()
