"""Which of several processes that were started together this one is."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from c2l.errors import BadInput

_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Member:
    """What torchrun says in the environment, and ``c2l train processes=2`` as well.

    Args:
        rank, num: which of how many processes this is.
        local_rank: which of those on this machine.
        address, port: where they meet.
        is_shared: whether the launcher keeps a store there, with what earlier attempts have left.
        launcher: the process that ends with this one's end in sight; 0 where it is not ours.
    """

    rank: int
    num: int
    local_rank: int
    address: str
    port: int
    is_shared: bool = False
    launcher: int = 0

    def __str__(self) -> str:
        return f"rank {self.rank} on {socket.gethostname()}"


def find_member(environment: Mapping[str, str] | None = None) -> Member | None:
    """What this process is among others; None where it was started alone.

    Raises:
        BadInput: the environment names a process that cannot be.
    """
    found = os.environ if environment is None else environment
    if not {"RANK", "WORLD_SIZE"} & set(found):
        return None
    numbers: dict[str, int] = {}
    wrong = [f"{name} is missing" for name in _NEEDED if name not in found]
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT"):
        value = found.get(name, "0")
        if value.isascii() and value.isdecimal():
            numbers[name] = int(value)
        else:
            wrong.append(f"{name}={value} is not a whole number")
    if not wrong and not numbers["RANK"] < numbers["WORLD_SIZE"]:
        wrong.append(f"RANK={numbers['RANK']} is not below WORLD_SIZE={numbers['WORLD_SIZE']}")
    if not wrong and not 0 < numbers["MASTER_PORT"] < 2**16:
        wrong.append(f"MASTER_PORT={numbers['MASTER_PORT']} is not a port")
    if wrong:
        raise BadInput(
            f"the environment says that this is one of several processes, but {'; '.join(wrong)}",
            hint="Start it with torchrun, or unset RANK and WORLD_SIZE to train in one process",
        )
    return Member(
        rank=numbers["RANK"],
        num=numbers["WORLD_SIZE"],
        local_rank=numbers["LOCAL_RANK"],
        address=found["MASTER_ADDR"],
        port=numbers["MASTER_PORT"],
        is_shared=found.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        launcher=int(found.get(LAUNCHER, "0")),
    )


LAUNCHER = "_C2L_LAUNCHER"
"""The process id of a launcher of ours, for processes that it has started."""
