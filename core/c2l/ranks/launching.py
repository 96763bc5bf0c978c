"""Starts the processes of this machine, and starts them again when one of them is killed."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from c2l.errors import ExitCode
from c2l.ranks.member import LAUNCHER

GRACE = 10.0
"""Seconds for the others to notice that one has ended, before they are ended too."""
MOST_DEATHS = 3
"""In a row, without a new checkpoint between them: then another start will not help."""


@dataclass
class Launch:
    """A command, as several processes that find each other.

    Args:
        command: what each of them runs.
        num: how many.
        progress: gives something that changes when they get further.
        tell: takes what happens, as a sentence.
        threads: of each process.
    """

    command: Sequence[str]
    num: int
    progress: Callable[[], object]
    tell: Callable[[str], None]
    threads: int
    _running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _stopped: int = 0

    def run(self) -> int:
        """Run them to their end, with as many starts as it takes.

        Returns:
            the exit code of the one that failed, or 0.
        """
        handlers = {s: signal.signal(s, self._pass_on) for s in (signal.SIGINT, signal.SIGTERM)}
        deaths, before = 0, self.progress()
        try:
            while True:
                codes = self._attempt()
                failed = [code for code in codes.values() if code > 0 and code != _LOST]
                if self._stopped:
                    return failed[0] if failed else 128 + self._stopped
                if failed or not any(codes.values()):
                    return max(failed, default=0)
                now = self.progress()
                deaths, before = deaths + 1 if now == before else 1, now
                what = _what_happened(codes)
                if deaths == MOST_DEATHS:
                    self.tell(
                        f"{what}; {deaths} times without getting further, perhaps for lack of "
                        "memory"
                    )
                    return int(ExitCode.RANK_LOST)
                self.tell(f"{what}; all processes go on from the checkpoint")
        finally:
            self._end_all()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _attempt(self) -> dict[int, int]:
        """Start all, and wait for all. Returns their exit codes, by rank; negative for signals."""
        port = _free_port()
        ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        for rank in range(self.num):
            process = subprocess.Popen(
                self.command,
                env={**os.environ, **self._environment(rank, port)},
                stdin=None if rank == 0 else subprocess.DEVNULL,
                stdout=None if rank == 0 else subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C comes from here, and once
            )
            self._running[rank] = process
            threading.Thread(target=_report_end, args=(process, rank, ended), daemon=True).start()
        codes: dict[int, int] = {}
        end: float | None = None
        while len(codes) < self.num:
            try:
                rank = ended.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
            except queue.Empty:
                # Who is killed here did not fail.
                for rank, process in self._running.items():
                    process.kill()
                    codes[rank] = _LOST
                break
            codes[rank] = self._running.pop(rank).returncode
            if codes[rank] and end is None and not self._stopped:
                end = time.monotonic() + GRACE
        self._end_all()
        return codes

    def _environment(self, rank: int, port: int) -> Mapping[str, str]:
        return {
            "RANK": str(rank),
            "WORLD_SIZE": str(self.num),
            "LOCAL_RANK": str(rank),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "OMP_NUM_THREADS": str(self.threads),
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # the same bits on the same GPU
            "TORCH_CPP_LOG_LEVEL": "ERROR",
            LAUNCHER: str(os.getpid()),
        }

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._stopped = number
        for process in list(self._running.values()):
            process.send_signal(number)

    def _end_all(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
        self._running.clear()


_LOST = int(ExitCode.RANK_LOST)


def _what_happened(codes: Mapping[int, int]) -> str:
    killed = [
        f"rank {rank} was killed by {signal.Signals(-code).name}"
        for rank, code in sorted(codes.items())
        if code < 0
    ]
    return ", ".join(killed) or "the processes lost each other"


def _report_end(process: subprocess.Popen[bytes], rank: int, ended: queue.SimpleQueue[int]) -> None:
    process.wait()
    ended.put(rank)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
