"""Who draws the pairs of a request: this process, several, or a cluster."""

from __future__ import annotations

import os

import torch

from c2l.devices import resolve_device
from c2l.errors import BadInput
from c2l.pairs import ALL, Engine, LocalEngine
from c2l.pairs.engines.ray import RayEngine
from c2l.service.pairs_request import ENGINES, PairsRequest, share_of

WORTH_WORKERS = 1000
"""For fewer pairs than this, starting processes takes longer than they save."""


def check_engine(asked: PairsRequest) -> None:
    """Raises ``BadInput`` where there is no such engine, or two fields contradict each other."""
    if asked.engine not in ENGINES:
        raise BadInput(
            f"there is no engine '{asked.engine}'",
            hint="Use `engine=local` or `engine=ray`; for SLURM, `c2l pairs submit`",
            field="engine",
        )
    several = [name for name in ("devices", "workers") if getattr(asked, name) is not None]
    if asked.engine == "ray" and several:
        raise BadInput(
            f"`{several[0]}` is for this machine; Ray draws on every device of its cluster",
            hint=f"Leave out `{several[0]}`",
            field=several[0],
        )
    if len(several) > 1:
        raise BadInput(
            "each of several `devices` has one process",
            hint="Leave out `workers`, or name a device twice",
            field="workers",
        )
    if asked.workers is not None and asked.workers < 1:
        raise BadInput(
            f"`workers={asked.workers}` is below 1", hint="Use `workers=1` or more", field="workers"
        )


def engine_of(asked: PairsRequest, num: int, device: str) -> Engine:
    """The engine that draws ``num`` pairs.

    Args:
        device: of the parts in this process.
    """
    if asked.engine == "ray":
        return RayEngine(asked.device)
    devices = devices_of(asked)
    if not devices:
        suits = num_workers(torch.device(device).type, num)
        devices = (device,) * (suits if asked.workers is None else asked.workers)
    return LocalEngine(devices, is_one_of_many=share_of(asked) != ALL)


def devices_of(asked: PairsRequest) -> tuple[str, ...]:
    """The ``devices`` of a request: ``auto`` is every GPU, or the one that ``device`` would be.

    Raises:
        DeviceUnavailable: this machine does not have one of them.
    """
    if asked.devices is None:
        return ()
    num = torch.cuda.device_count()
    if asked.devices == "auto" and num:
        return tuple(f"cuda:{index}" for index in range(num))
    return tuple(str(resolve_device(name.strip())) for name in asked.devices.split(","))


def num_workers(device_type: str, num: int) -> int:
    """The number of processes that draw ``num`` pairs fastest on a type of device."""
    if device_type != "cpu" or num < WORTH_WORKERS:
        return 1
    return num_cores()


def num_cores() -> int:
    """How many cores this process may use: a container may own fewer than all."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
