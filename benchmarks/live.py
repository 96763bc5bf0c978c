"""``c2l live``: from a message of OSC to the frame that shows it, and frames a second.

    python benchmarks/live.py

Starts ``c2l live`` with the demo as a process of its own, watches its MJPEG as a player does, and
sends to it by UDP, all on this machine. Each part of the MJPEG says which message it was drawn
with; latency is from the sending of that message until all bytes of the part are here. Three
measurements, at 30 frames a second, which is the default, and as fast as it can:

- at rest: one message each half second (times drawn at random), while nothing else moves;
- 200 messages a second, each frame's latency that of the message it shows;
- a walk: frames a second and the seconds of CPU for each.

At 30 frames a second, a message that comes while the picture moves waits 17 ms on average for the
next frame: that is what the figures of the second row contain.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pythonosc.udp_client import SimpleUDPClient

RATE = 200
"""Messages a second."""


@dataclass(frozen=True)
class Seen:
    """A frame, when it had arrived."""

    at: float
    frame: int
    message: int


class Viewer(threading.Thread):
    """Watches MJPEG, and remembers when which frame came."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._file = socket.create_connection(("127.0.0.1", port)).makefile("rwb")
        self._file.write(b"GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self._file.flush()
        self.seen: list[Seen] = []

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._head()
            self._file.readline()
            while head := self._head():
                self._file.read(int(head["content-length"]) + len(b"\r\n--frame\r\n"))
                at = time.perf_counter()
                self.seen.append(Seen(at, int(head["x-frame"]), int(head["x-message"])))

    def _head(self) -> dict[str, str]:
        lines = iter(lambda: self._file.readline().decode().strip(), "")
        return {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}

    def wait_for(self, message: int) -> Seen:
        """The first frame that was drawn with this message, or a later one."""
        while not self.seen or self.seen[-1].message < message:
            time.sleep(0.0005)
        return next(seen for seen in self.seen if seen.message >= message)


class Live:
    """``c2l live`` as a process, with a viewer and a sender."""

    def __init__(self, *options: str) -> None:
        words = ["live", "a man", "--device", "cpu", "--port", "0", "--osc-port", "0", *options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "c2l", *words], stderr=subprocess.PIPE, text=True
        )
        told = ""
        while "listening" not in told:
            assert self.process.stderr is not None
            told += self.process.stderr.readline()
        port, osc = re.search(r":(\d+)/", told), re.search(r"port (\d+)", told)
        assert port and osc
        self._client = SimpleUDPClient("127.0.0.1", int(osc[1]))
        self.viewer = Viewer(int(port[1]))
        self.viewer.start()
        self.sent: list[float] = [0.0]  # by number of message

    def send(self, address: str, value: float) -> int:
        self.sent.append(time.perf_counter())
        self._client.send_message(address, value)
        return len(self.sent) - 1

    def memory(self) -> float:
        """MB that the process holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").split()
        return (int(fields[13]) + int(fields[14])) / 100

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def live(*options: str) -> Iterator[Live]:
    found = Live(*options)
    try:
        yield found
    finally:
        found.close()


def at_rest(show: Live, num: int) -> list[float]:
    """Latencies of messages to a picture that does not move."""
    chance, found = random.Random(0), []
    show.send("/c2l/glide", 0)
    for seed in range(num):
        time.sleep(chance.uniform(0.2, 0.8))
        number = show.send("/c2l/seed", seed)
        found.append(show.viewer.wait_for(number).at - show.sent[number])
    return found


def flooded(show: Live, seconds: float) -> tuple[list[float], float, bool]:
    """Latencies of frames and frames a second, at 200 messages a second; and whether the last
    frame was drawn with the last message."""
    show.send("/c2l/glide", 0.3)
    start = time.perf_counter()
    first = len(show.viewer.seen)
    for n in range(int(RATE * seconds)):
        time.sleep(max(0.0, start + n / RATE - time.perf_counter()))
        last = show.send("/c2l/seed", n / RATE)
    took = time.perf_counter() - start
    frames = show.viewer.seen[first:]
    time.sleep(2)
    latencies = [seen.at - show.sent[seen.message] for seen in frames]
    return latencies, len(frames) / took, show.viewer.seen[-1].message == last


def walking(show: Live, seconds: float) -> tuple[float, float]:
    """Frames a second of a walk, and milliseconds of CPU for each."""
    show.send("/c2l/walk", 0.5)
    time.sleep(1)
    first, cpu, start = len(show.viewer.seen), show.cpu(), time.perf_counter()
    time.sleep(seconds)
    num, took = len(show.viewer.seen) - first, time.perf_counter() - start
    spent = show.cpu() - cpu
    show.send("/c2l/walk", 0)
    return num / took, 1000 * spent / num


def shares(latencies: Sequence[float]) -> str:
    """Median, 95th percentile and the longest, in ms."""
    rows = sorted(1000 * x for x in latencies)
    return f"{statistics.median(rows):.0f} | {rows[int(0.95 * len(rows))]:.0f} | {rows[-1]:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--messages", type=int, default=40, help="to the picture at rest")
    given = parser.parse_args()
    print("| most fps | what | median ms | p95 ms | longest ms | fps | CPU ms a frame |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for fps in ("30", "120"):
        with live("--fps", fps) as show:
            print(f"| {fps} | at rest | {shares(at_rest(show, given.messages))} | | |")
            before = show.memory()
            latencies, rate, newest = flooded(show, given.seconds)
            print(f"| {fps} | 200 messages/s | {shares(latencies)} | {rate:.1f} | |")
            rate, spent = walking(show, given.seconds)
            print(f"| {fps} | a walk | | | | {rate:.1f} | {spent:.1f} |")
            grown = show.memory() - before
        print(f"  last frame of the last message: {newest}; memory {before:.0f} MB, {grown:+.1f}",
              file=sys.stderr)  # fmt: skip


if __name__ == "__main__":
    main()
