"""A progress bar on stderr: throughput and time left; now and then a plain line into a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from c2l.cli.output import talk

SECONDS_BETWEEN_LINES = 30.0

Update = Callable[..., None]


@contextmanager
def progress(what: str, unit: str) -> Iterator[Update]:
    """Show how far a long job is, from the first call until all is done.

    Args:
        what: the job, as in ``making pairs``.
        unit: what is counted, as in ``pairs``.
    Yields:
        A function of the number done, the total, and a note. Its first call gives what was done
        before, which the throughput leaves out.
    """
    pace, last, bar = _Pace(unit), time.monotonic(), _bar() if sys.stderr.isatty() else None
    task = bar.add_task(what, total=None, note="") if bar else None

    def update(done: float, total: float, note: str = "") -> None:
        nonlocal last
        facts = ", ".join(filter(None, (pace.text(done, total), note)))
        if bar:
            bar.update(task, completed=done, total=total, note=facts)
            bar.start()  # does nothing if it runs
            if done >= total:  # another bar may follow
                bar.stop()
        elif time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            talk(f"{what}: {done:,.0f} of {total:,.0f}{', ' if facts else ''}{facts}")

    try:
        yield update
    finally:
        if bar:
            bar.stop()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    before, after = TextColumn("{task.description}"), TextColumn("{task.fields[note]}")
    columns = (before, BarColumn(), MofNCompleteColumn(), after)
    console = Console(stderr=True, soft_wrap=True)  # lines that go above the bar stay whole
    return Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())


class _Pace:
    """Throughput since the first call, and the time left at that rate."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.start: tuple[float, float] | None = None

    def text(self, done: float, total: float) -> str:
        now = time.monotonic()
        if self.start is None:
            self.start = now, done
        seconds, num = now - self.start[0], done - self.start[1]
        if not num or not seconds:
            return ""
        rate = num / seconds
        return f"{rate:,.1f} {self.unit}/s, {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """``75`` to ``1:15``, ``4000`` to ``1:06:40``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def drew(num: int, milliseconds: float) -> str:
    """``drew 4 in 89 ms``; from ten seconds on, ``drew 4 in 1:49``."""
    short = milliseconds < 10_000
    return f"drew {num:,} in {f'{milliseconds:.0f} ms' if short else duration(milliseconds / 1000)}"
