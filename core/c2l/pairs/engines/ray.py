"""The engine of a Ray cluster: an actor on every device, each with the parts, loaded once.

Plain actors: shards are all that there is to give out, and what an actor draws it writes itself,
so that nothing but records travels. An actor has no shard before it has said that it is there: one
that waits for a device, which may never come, holds up nothing. One that dies, alone or with its
node, gives back the shards that it had, and is replaced as soon as the cluster has a device to
spare. What an actor *says* is wrong, a NaN or other weights, ends the run: it would be wrong again.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from c2l.errors import BadInput, C2LError, MissingDependency
from c2l.pairs.beats import workers_of
from c2l.pairs.drawing import OnDrawn, Parts, ShardDrawer
from c2l.pairs.job import Job, job_of, naming
from c2l.pairs.manifest import PairsManifest
from c2l.pairs.records import ShardRecord, shard_name
from c2l.places import Place

_AHEAD = 2
"""Shards that an actor has: one that it draws, and one that it writes or that waits."""
_LOOK_EVERY = 5.0
"""Seconds between looks at the cluster, which may have grown."""
_WATCH_EVERY = 30.0
"""Seconds between looks at whether one of the actors hangs."""
_DEATHS = 3
"""Actors that one shard may cost, or one device before any actor lives there."""
_STORE = 80_000_000
"""Bytes for objects, in a cluster that is started here; Ray takes no less than 75 MiB."""
_OF_OURS = ("C2L_PLUGINS", "C2L_DISABLE_PLUGINS", "C2L_OFFLINE", "C2L_DEBUG")


class ShardKills(C2LError):
    """Whoever drew this shard died, several times."""


class NobodyStarts(C2LError):
    """The nodes of the cluster cannot start a worker."""


@dataclass(frozen=True)
class RayEngine:
    """Draws on the cluster that ``RAY_ADDRESS`` names, or else on one that it starts here.

    Args:
        device: ``cuda`` for an actor on every GPU of the cluster, ``cpu`` for one on every core,
            ``auto`` for the GPUs if there are any.
    """

    device: str = "auto"

    def draw(
        self,
        parts: Parts,
        plan: PairsManifest,
        out: Place,
        indices: Sequence[int],
        on_drawn: OnDrawn,
    ) -> Iterator[int]:
        """Draw shards; gives the place of each once it is on disk.

        Raises:
            MissingDependency: Ray is not installed.
            BadInput: a part gives NaN, or has no reference; the cluster has no such device.
            IncompatibleParts: on a node, a reference names other weights than here.
            ShardKills: a shard that nobody survives.
            NobodyStarts: no node starts a worker.
        """
        job = job_of(parts, plan, out)
        ray = _joined()
        try:
            yield from _Crowd(ray, job, self.device, indices).draw(on_drawn)
        finally:
            ray.shutdown()  # our actors end with it


class _Crowd:
    """The actors at work, and who has which shards."""

    def __init__(self, ray: Any, job: Job, device: str, indices: Sequence[int]) -> None:
        self._ray, self._job = ray, ray.put(job)
        self._plan = job.plan
        self._on_gpu = device.partition(":")[0] == "cuda" or (
            device == "auto" and ray.cluster_resources().get("GPU", 0) > 0
        )
        self._left = deque(indices)
        self._hired: dict[Any, Any] = {}  # call of ``hello`` -> actor that has not answered it
        self._theirs: dict[Any, list[Any]] = {}  # actor -> calls that it has not answered
        self._calls: dict[Any, tuple[Any, int]] = {}  # call -> actor, place
        self._who: dict[Any, tuple[str, int, float]] = {}  # actor -> node, process, since when
        self._deaths: Counter[int] = Counter()
        self._stillborn, self._limit = 0, _DEATHS  # since one of them last lived; and at most
        self._out, self._look_at = job.out, time.monotonic() + _WATCH_EVERY

    def draw(self, on_drawn: OnDrawn) -> Iterator[int]:
        while self._left or self._calls:
            self._hire()
            self._hand_out()
            asked = [*self._calls, *self._hired]
            done, _ = self._ray.wait(asked, num_returns=1, timeout=_LOOK_EVERY)
            self._end_hanging()
            for call in done:
                if call in self._hired:
                    self._welcome(call)
                    continue
                index = self._answer(call)
                if index is not None:
                    on_drawn(self._plan.shard_length(index))
                    yield index

    def _hire(self) -> None:
        """As many actors as there are devices now; those beyond wait for theirs in Ray's queue.

        The cluster may still count the devices of a node that is lost.
        """
        resource = "GPU" if self._on_gpu else "CPU"
        num = int(self._ray.cluster_resources().get(resource, 0))
        if not num and not self._theirs:
            raise BadInput(
                f"the Ray cluster has no {resource}", hint="Use another `device`", field="device"
            )
        num = min(num, len(self._left) + len(self._calls))
        actor = self._ray.remote(_Actor).options(
            num_cpus=1,
            num_gpus=1 if self._on_gpu else 0,
            max_concurrency=_AHEAD,  # it draws one shard while it writes the other
        )
        self._limit = _DEATHS * num
        for _ in range(num - len(self._theirs) - len(self._hired)):
            hired = actor.remote(self._job, "cuda" if self._on_gpu else "cpu")
            self._hired[hired.hello.remote()] = hired

    def _welcome(self, call: Any) -> None:
        """An actor is there, or will never be."""
        actor = self._hired.pop(call)
        try:
            node, process = self._ray.get(call)
        except self._ray.exceptions.RayError as error:  # its process, its node, its environment
            self._stillborn += 1
            if getattr(error, "actor_init_failed", False) or self._stillborn >= self._limit:
                raise NobodyStarts(
                    f"the Ray cluster starts no worker: {_in_short(error)}",
                    hint="All nodes need the same c2l, Ray and Python, and memory for the parts",
                    field="engine",
                ) from error
            return
        self._stillborn = 0
        self._theirs[actor], self._who[actor] = [], (node, process, time.monotonic())

    def _hand_out(self) -> None:
        """The next shards to those who have fewest."""
        for had in range(_AHEAD):
            for actor, calls in self._theirs.items():
                if len(calls) <= had and self._left:
                    index = self._left.popleft()
                    call = actor.run_shard.remote(index)
                    calls.append(call)
                    self._calls[call] = actor, index

    def _end_hanging(self) -> None:
        """An actor without a sign of life for too long is ended: its shards go to others."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _WATCH_EVERY
        hung = {(w.node, w.pid): w.silent for w in workers_of(self._out) if w.hangs}
        for actor, (node, process, since) in list(self._who.items()):
            # A longer silence is that of another process, killed earlier, that had its number.
            silent = hung.get((node, process), inf)
            if self._theirs[actor] and silent < time.monotonic() - since:
                self._ray.kill(actor)
                self._take_back(actor)

    def _answer(self, call: Any) -> int | None:
        """The place of a shard that is done; None for one that was lost, and waits again."""
        if call not in self._calls:
            return None  # its actor died, and all that it had was taken back
        actor, index = self._calls[call]
        try:
            self._ray.get(call)
        except self._ray.exceptions.RayActorError:
            self._take_back(actor)
            return None
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        self._theirs[actor].remove(call)
        del self._calls[call]
        return index

    def _take_back(self, actor: Any) -> None:
        """What a dead actor had. One of it was being drawn, most likely the first.

        They wait at both ends of the queue, so that one which kills has others beside it next time.
        """
        first, *others = (self._calls.pop(call)[1] for call in self._theirs.pop(actor))
        del self._who[actor]
        self._left.appendleft(first)
        self._left.extend(others)
        self._deaths.update([first, *others])
        worst, num = self._deaths.most_common(1)[0]
        if num == _DEATHS:
            raise ShardKills(
                f"{_DEATHS} workers died or hung while they drew {shard_name(worst)}, "
                "perhaps for lack of memory",
                hint="Use a smaller `batch_size` in a new folder, or nodes with more memory; "
                "finished shards are kept",
            )


class _Actor:
    """One device."""

    def __init__(self, job: Job, device: str) -> None:
        self._job, self._device = job, device
        self._drawer: ShardDrawer | None = None
        self._loading = threading.Lock()

    def hello(self) -> tuple[str, int]:
        """Its node and its process, once it is there."""
        return platform.node(), os.getpid()

    def run_shard(self, index: int) -> ShardRecord:
        with naming(index):
            # Here, what is wrong reaches the driver as itself; from __init__ it would not.
            with self._loading:
                if self._drawer is None:
                    self._drawer = self._job.open(self._device)
            return self._drawer.run_shard(index)


def _joined() -> Any:
    """Ray, joined or started.

    Raises:
        MissingDependency: it is not installed.
        C2LError: the cluster does not answer, or has another Ray or Python.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import, or it reports home
    try:
        import ray
    except ImportError as error:
        raise MissingDependency(
            "Ray is not installed", hint="Install it: pip install 'c2l[ray]'", field="engine"
        ) from error
    ours = {name: os.environ[name] for name in _OF_OURS if name in os.environ}
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    how["runtime_env"] = {"env_vars": ours}
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        how |= {"include_dashboard": False, "object_store_memory": _STORE}
    try:
        ray.init(**how)
    except Exception as error:  # its many ways to say no
        raise C2LError(
            f"node {platform.node()} cannot join the Ray cluster at {address or 'this machine'}: "
            f"{_in_short(error)}",
            hint="Check RAY_ADDRESS; all nodes need the same Ray and Python",
            field="engine",
        ) from error
    return ray


def _in_short(error: Exception) -> str:
    """What Ray says, which may be pages, in one line."""
    return " ".join(str(error).split())[:300]
