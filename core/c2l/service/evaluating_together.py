"""Processes that help to draw an evaluation: each draws a share into the folder of all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from c2l.errors import Assumed, BadInput
from c2l.evaluation.jobs import Share
from c2l.evaluation.run import Work
from c2l.places import Place

_LOOK_EVERY = 0.2

Prepare = Callable[[str], Work]
"""Loads the parts on a device, and prepares the evaluation."""


@dataclass(frozen=True)
class _Help:
    """What a helper is started with; picklable.

    Args:
        prepare: as another process can call it.
        settings: of the evaluation, as the first process has them.
    """

    prepare: Prepare
    settings: Mapping[str, Any]
    folder: Place
    device: str
    rank: int
    num: int


@contextmanager
def helpers(
    num: int, prepare: Prepare, work: Work, folder: Place, device: torch.device
) -> Iterator[Share]:
    """Start ``num - 1`` processes; inside, they draw. Gives the share of this one.

    Raises:
        BadInput: there are fewer GPUs than processes.
    """
    if device.type == "cuda" and num > torch.cuda.device_count():
        raise BadInput(
            f"{num} processes need as many GPUs, and there are {torch.cuda.device_count()}",
            hint=f"Use `processes={torch.cuda.device_count()}`",
            field="processes",
        )
    if device.type not in ("cpu", "cuda"):
        raise BadInput(
            f"processes cannot share the device '{device.type}'",
            hint="Leave out `processes`, or use `device=cpu`",
            field="processes",
        )
    spawn = multiprocessing.get_context("spawn")
    started: list[BaseProcess] = []
    try:
        for rank in range(1, num):
            name = f"cuda:{rank}" if device.type == "cuda" else "cpu"
            help = _Help(prepare, work.settings, folder, name, rank, num)
            process: BaseProcess = spawn.Process(target=_draw_share, args=(help,), daemon=True)
            process.start()
            started.append(process)

        def others_work() -> bool:
            for process in started:
                if process.is_alive():
                    process.join(_LOOK_EVERY)
                    return True
            return False

        yield Share(0, num, others_work)
    finally:
        for process in started:
            process.terminate()
            process.join()


def _draw_share(help: _Help) -> None:
    """In a helper. Whatever goes wrong goes wrong in the first process as well, which says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore", Assumed)
    torch.set_num_threads(1)
    try:
        work = help.prepare(help.device)
        if {**work.settings, "device": help.settings["device"]} == help.settings:
            work.help(help.folder, Share(help.rank, help.num))
    except Exception:
        os._exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
