"""Key-value stores of torch that hold nothing of earlier attempts.

torchrun shares its own store with the processes it starts, and keeps it over restarts: a process
could read there where a dead one has listened (pytorch issue 135712). So the first process opens a
store of its own, and says there only where that is; the others try until they reach it.
"""

from __future__ import annotations

import dataclasses
import secrets
import socket
import time
from datetime import timedelta

from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from c2l.ranks.member import Member

__all__ = ["PrefixStore", "Store", "open_stores"]

_ANSWER = 30.0
_PATIENCE = 300.0
"""Seconds for all to arrive: machines of a cluster import torch from one disk."""
_MEETING, _TOKEN = "c2l/store", "token"


def open_stores(member: Member) -> tuple[Store, Store]:
    """Two connections to one store that was empty when this attempt began."""
    if member.is_shared:
        member = _meet(member)
    hosts = member.rank == 0 and not member.is_shared
    return (
        _connect(member.address, member.port, hosts=hosts, seconds=_PATIENCE),
        _connect(member.address, member.port, seconds=_PATIENCE),
    )


def _connect(address: str, port: int, *, hosts: bool = False, seconds: float = _ANSWER) -> TCPStore:
    return TCPStore(
        address, port, is_master=hosts, wait_for_workers=False, timeout=timedelta(seconds=seconds)
    )


_hosted: list[TCPStore] = []
"""Kept, since a store ends with its object."""


def _meet(member: Member) -> Member:
    """The member, with the store that the first process has opened for this attempt.

    Raises:
        RuntimeError: it has opened none in time.
    """
    shared = _connect(member.address, member.port)
    if member.rank == 0:
        address = _own_address(member)
        store, token = _connect(address, 0, hosts=True), secrets.token_hex(8)
        _hosted.append(store)
        store.set(_TOKEN, token)
        shared.set(_MEETING, f"{store.port} {token} {address}")
        return dataclasses.replace(member, address=address, port=store.port)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if shared.check([_MEETING]):
            port, token, address = shared.get(_MEETING).decode().split(" ", 2)
            if _answers(address, int(port), token):
                return dataclasses.replace(member, address=address, port=int(port))
        time.sleep(0.2)
    raise RuntimeError(f"rank 0 did not open a store within {_PATIENCE:.0f} s")


def _answers(address: str, port: int, token: str) -> bool:
    """Whether the store of this attempt is there: that of a dead process is not."""
    try:
        with socket.create_connection((address, port), timeout=2):
            pass
        store = _connect(address, port, seconds=2)
        return store.check([_TOKEN]) and store.get(_TOKEN).decode() == token
    except (OSError, RuntimeError):
        return False


def _own_address(member: Member) -> str:
    """The address of this machine towards the meeting point; nothing is sent."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        member.address, member.port, type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])
