"""A progress bar on stderr: throughput and time left; now and then a plain line into a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from c2l.cli.output import talk

SECONDS_BETWEEN_LINES = 30.0

Update = Callable[..., None]


@contextmanager
def progress(what: str, unit: str) -> Iterator[Update]:
    """Show how far a long job is, from the first call until all is done.

    Args:
        what: is being done, as in ``making pairs``.
        unit: what is counted, as in ``pairs``.
    Yields:
        A function of the number done, the number in all, and a note; its first call tells what
        was done before, which the throughput leaves out.
    """
    pace = _Pace(unit)
    if not sys.stderr.isatty():
        yield _lines(what, pace)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    before, after = (TextColumn(f"{{task.{name}}}") for name in ("description", "fields[note]"))
    columns = (before, BarColumn(), MofNCompleteColumn(), after, TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task(what, total=None, note="")

    def update(done: int, total: int, note: str = "") -> None:
        bar.start()  # does nothing if it runs
        note = ", ".join(filter(None, (pace.text(done, total), note)))
        bar.update(task, completed=done, total=total, note=note)
        if done >= total:  # another bar may follow
            bar.stop()

    try:
        yield update
    finally:
        bar.stop()


def _lines(what: str, pace: _Pace) -> Update:
    """The same as lines of text, one every half minute."""
    last = time.monotonic()

    def update(done: int, total: int, note: str = "") -> None:
        nonlocal last
        text = pace.text(done, total)
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            talk(", ".join(filter(None, (f"{what}: {done:,} of {total:,}", text, note))))

    return update


class _Pace:
    """Throughput since the first call, and the time left at that rate."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.start: tuple[float, int] | None = None

    def text(self, done: int, total: int) -> str:
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
