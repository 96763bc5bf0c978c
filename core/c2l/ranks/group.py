"""What processes do together: add up, tell each other, wait, and find out that they differ."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from c2l.devices import resolve_device
from c2l.errors import (
    BadInput,
    C2LError,
    DeviceUnavailable,
    ExitCode,
    IncompatibleParts,
    RankLost,
)
from c2l.ranks.heartbeat import Heartbeat, State
from c2l.ranks.member import Member
from c2l.ranks.stores import Store

Value = TypeVar("Value")

_FAILED = "failed"
_TO_BE_HEARD = 1.0
"""Seconds that a rank which fails leaves to the others."""


class Ranks:
    """The processes that share a work, seen from one of them. This class is a process alone.

    Whatever is shared has the same bits whatever their number: sums follow one binary tree, and
    everything else is made by one of them, or by all from the same numbers.
    """

    rank = 0
    num = 1
    joined = False
    """Whether it was started as one of several; it may still be the only one."""

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks and writes."""
        return self.rank == 0

    def part_of(self, num: int) -> range:
        """Which of ``num`` things this process does: neighbours, as many as every other."""
        each = num // self.num
        return range(self.rank * each, (self.rank + 1) * each)

    def device(self, name: str) -> str:
        """The device of this process, where the run is to use ``name``."""
        return name

    def total(self, values: Tensor) -> Tensor:
        """The sum of what all have."""
        return values

    def gather(self, value: Value) -> Sequence[Value]:
        """What all have, by rank."""
        return [value]

    def told(self, value: Any) -> Any:
        """What the first has; what others give does not matter."""
        return value

    def agree(self, facts: Mapping[str, str]) -> None:
        """Refuse to go on where ranks differ.

        Args:
            facts: what has to be the same everywhere, by what it is called.
        Raises:
            IncompatibleParts: naming each rank that differs, and in what.
        """

    def begin(self, step: int) -> None:
        """Say that this process computes a step, for those who wait for it."""

    @contextmanager
    def at_leisure(self) -> Iterator[None]:
        """What takes as long as it takes: the others wait, as long as this process lives."""
        yield

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For others.

        Raises:
            RankLost: one of them is gone.
        """
        yield

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The first does what is inside before all others."""
        yield

    @contextmanager
    def failing_once(self) -> Iterator[None]:
        """An error of all inside is one error; one of another rank than the first names it."""
        yield


class JoinedRanks(Ranks):
    """Several processes.

    Args:
        member: of this one.
        store: shared by all, empty before they joined.
        heartbeat: looks for ranks that do not come back.
    """

    joined = True

    def __init__(self, member: Member, store: Store, heartbeat: Heartbeat) -> None:
        self.member, self.rank, self.num = member, member.rank, member.num
        self._store, self._heartbeat = store, heartbeat

    def device(self, name: str) -> str:
        """CUDA devices by local rank; the CPU where there are none.

        Raises:
            BadInput: ``name`` is one device, for several processes.
            DeviceUnavailable: there are fewer devices than processes.
        """
        if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
            return "cpu"
        if name not in ("auto", "cuda"):
            raise BadInput(
                f"{self.num} processes cannot share the device '{name}'",
                hint="Use `device` cpu, cuda or auto: each process takes a GPU of its own",
                field="device",
            )
        resolve_device("cuda")
        if self.member.local_rank >= torch.cuda.device_count():
            raise DeviceUnavailable(
                f"{self.member} is process {self.member.local_rank + 1} of a machine with "
                f"{torch.cuda.device_count()} GPUs",
                hint="Start as many processes as there are GPUs",
                field="device",
            )
        torch.cuda.set_device(self.member.local_rank)
        return f"cuda:{self.member.local_rank}"

    def total(self, values: Tensor) -> Tensor:
        """By recursive doubling: sums of neighbours, of neighbours of these, and so on.

        That is the tree in which one process adds up by itself, and adding two numbers has the same
        bits either way round, so that all ranks hold the same. A number of ranks that makes no such
        tree shares no micro-batches, only fast steps, whose bits depend on the number anyway.
        """
        with self.waiting():
            if self.num & (self.num - 1):
                values = values.clone()
                dist.all_reduce(values)
                return values
            distance = 1
            while distance < self.num:
                other = self.rank ^ distance
                theirs = torch.empty_like(values)
                works = dist.batch_isend_irecv(
                    [dist.P2POp(dist.isend, values, other), dist.P2POp(dist.irecv, theirs, other)]
                )
                for work in works:
                    work.wait()
                values = values + theirs
                distance *= 2
            if values.is_cuda:  # there, waiting begins with the next use
                torch.cuda.current_stream(values.device).synchronize()
        return values

    def gather(self, value: Value) -> Sequence[Value]:
        found: list[Any] = [None] * self.num
        with self.waiting():
            dist.all_gather_object(found, value)
        return found

    def told(self, value: Any) -> Any:
        """Its bytes go through the CPU."""
        box: list[Any] = [pickle.dumps(value) if self.first else None]
        with self.waiting():
            dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return pickle.loads(box[0])

    def agree(self, facts: Mapping[str, str]) -> None:
        everywhere = self.gather((str(self.member), dict(facts)))
        first, wanted = everywhere[0]
        wrong = [
            f"{who} has {name} {has[name]}, not {wanted[name]} as {first}"
            for who, has in everywhere[1:]
            for name in wanted
            if has[name] != wanted[name]
        ]
        if wrong:
            raise IncompatibleParts(
                f"these processes cannot train together: {'; '.join(wrong)}",
                hint="Give all machines the same files and the same packages",
            )

    def begin(self, step: int) -> None:
        self._heartbeat.step, self._heartbeat.state = step, State.COMPUTES

    @contextmanager
    def at_leisure(self) -> Iterator[None]:
        before, self._heartbeat.state = self._heartbeat.state, State.ALONE
        yield
        self._heartbeat.state = before

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        if not self.first:
            with self.waiting():
                while not self._store.check(["ahead"]):
                    if self._store.check([_FAILED]):
                        raise SystemExit(ExitCode.RANK_LOST)
                    time.sleep(0.1)
        yield
        if self.first:
            self._store.set("ahead", "1")

    @contextmanager
    def failing_once(self) -> Iterator[None]:
        try:
            yield
        except RankLost as error:
            if self.member.launcher:  # which says what has happened
                raise SystemExit(error.exit_code) from error
            raise
        except C2LError as error:
            self._fail(error)
            raise
        except KeyboardInterrupt as stop:
            if not self.first:
                raise SystemExit(ExitCode.INTERRUPTED) from stop
            raise

    def _fail(self, error: C2LError) -> None:
        """Give way to the first where it fails in the same way; name the rank where it does not."""
        try:
            if self.first:
                self._store.set(_FAILED, error.message)
                time.sleep(_TO_BE_HEARD)  # the store ends with this process
                return
            end = time.monotonic() + _TO_BE_HEARD
            while time.monotonic() < end and not self._store.check([_FAILED]):
                time.sleep(0.1)
            if self._store.check([_FAILED]) and self._store.get(_FAILED).decode() == error.message:
                raise SystemExit(error.exit_code) from error
        except RuntimeError:
            pass  # the first is gone already
        error.message = f"{self.member}: {error.message}"

    @contextmanager
    def waiting(self) -> Iterator[None]:
        try:
            with self._heartbeat.waiting():
                yield
        except RuntimeError as error:  # of gloo, NCCL or the store: a connection is gone
            raise RankLost(
                f"{self.member} has lost another rank at step {self._heartbeat.step}",
                hint="What ended it says why; the same command resumes",
            ) from error

    def leave(self) -> None:
        """End all exchange, once all others do: the store ends with the first."""
        self._heartbeat.stop()
        self.gather(None)
        if self.first:
            time.sleep(0.2)
        dist.destroy_process_group()
