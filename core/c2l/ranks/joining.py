"""Joining the other processes that this one was started with."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed as dist

from c2l.errors import RankLost
from c2l.ranks.group import JoinedRanks, Ranks
from c2l.ranks.heartbeat import Heartbeat, timeout
from c2l.ranks.member import Member
from c2l.ranks.stores import PrefixStore, open_stores
from c2l.version import __version__

_FOREVER = timedelta(days=30)
"""Who hangs is found by the heartbeat, which knows the difference between long and too long."""


@contextmanager
def join(member: Member | None) -> Iterator[Ranks]:
    """The processes that this one was started with.

    Args:
        member: as ``find_member`` gives it; None for a process alone.
    Raises:
        RankLost: they cannot be reached.
        IncompatibleParts: they have other versions of c2l, torch or Python.
    """
    if member is None:
        yield Ranks()
        return
    timeout()  # what the environment says of it may be wrong
    try:
        store, own = open_stores(member)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(
            backend,
            store=PrefixStore("group", store),
            rank=member.rank,
            world_size=member.num,
            timeout=_FOREVER,
        )
    except RuntimeError as error:
        raise RankLost(
            f"{member} cannot reach the others at {member.address}:{member.port}: "
            f"{str(error).splitlines()[0]}",
            hint="Start all of them; the port must be open between their machines",
        ) from error
    heartbeat = Heartbeat(member, own)
    heartbeat.start()
    ranks = JoinedRanks(member, store, heartbeat)
    ranks.agree(
        {
            "c2l": __version__,
            "torch": torch.__version__,
            "Python": ".".join(platform.python_version_tuple()[:2]),
        }
    )
    try:
        yield ranks
    except BaseException:
        heartbeat.stop()  # others may be gone, and must not be waited for
        raise
    ranks.leave()
