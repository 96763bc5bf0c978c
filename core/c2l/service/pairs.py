"""Makes pairs with a generator and an embedder given by reference."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.loading import load_embedder, load_generator
from c2l.pairs import Pairs, build_pairs, read_manifest
from c2l.places import Place, place_of
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent
from c2l.service.notices import Notice, Tell
from c2l.service.typed_values import parse_groups

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport

DEFAULT_NUM = 100_000
WORTH_WORKERS = 1000
"""For fewer pairs than this, starting processes takes longer than they save."""

P = ParamSpec("P")


def make_pairs(
    generator: str,
    embedder: str,
    out: Place | str,
    *,
    num: int | None = None,
    groups: str | Sequence[int] | None = None,
    class_labels: Sequence[int | str] | None = None,
    first_seed: int = 0,
    shard_size: int | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    device: str = "auto",
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
    on_progress: Callable[[int, int, str], None] = lambda done, num, note: None,
) -> Pairs:
    """Fetch the parts if need be, and make pairs with them.

    Args:
        generator, embedder: references.
        num: pairs in total; None for the number the folder was begun with, or 100,000.
        groups: as in ``build_pairs``, or a text such as ``4,4,10``.
        workers: processes that draw; None for a number that suits the device.
        ask, tell, on_download: as in ``fetch_with_consent``.
        on_progress: called with pairs done, pairs in total, and a note.
        Others: as in ``build_pairs``.
    Raises:
        As ``fetch_with_consent``, ``c2l.load_generator`` and ``build_pairs``.
    """
    groups, out = parse_groups(groups), place_of(out)
    chosen = ChosenDevice(device, tell)
    fetch_with_consent([generator, embedder], ask=ask, tell=tell, on_download=on_download)
    return fill_folder(
        load_with_consent(lambda: load_generator(generator, device=chosen.name), ask),
        load_embedder(embedder, device=chosen.name),
        out,
        num_wanted(out) if num is None else num,
        groups=groups,
        class_labels=class_labels,
        first_seed=first_seed,
        shard_size=shard_size,
        batch_size=batch_size,
        workers=workers,
        tell=tell,
        on_progress=chosen.telling(on_progress),
    )


def fill_folder(
    generator: Generator,
    embedder: Embedder,
    out: Place,
    num: int,
    *,
    groups: Sequence[int] | None = None,
    class_labels: Sequence[int | str] | None = None,
    first_seed: int = 0,
    shard_size: int | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    tell: Tell,
    on_progress: Callable[[int, int, str], None],
) -> Pairs:
    """``build_pairs``, with a notice if the folder was begun for more pairs than ``num``."""
    before = read_manifest(out) if (out / "manifest.json").exists() else None
    pairs = build_pairs(
        generator,
        embedder,
        num,
        out,
        groups=groups,
        class_labels=class_labels,
        first_seed=first_seed,
        shard_size=shard_size,
        batch_size=batch_size,
        workers=num_workers(generator.device.type, num) if workers is None else workers,
        on_progress=lambda done, total: on_progress(done, total, ""),
    )
    if before is not None and num < before.num:
        tell(Notice("resumed", _fewer(out, len(pairs), num, before.num)))
    return pairs


def num_wanted(folder: Place) -> int:
    """The number of pairs a folder was begun for; the default for a new one."""
    begun = (folder / "manifest.json").exists()
    return read_manifest(folder).num if begun else DEFAULT_NUM


def num_workers(device_type: str, num: int) -> int:
    """The number of processes that draw ``num`` pairs fastest on a type of device."""
    if device_type != "cpu" or num < WORTH_WORKERS:
        return 1
    return num_cores()


def num_cores() -> int:
    """How many cores this process may use: a container may own fewer than all."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class ChosenDevice:
    """The device called ``name``. For ``auto``, a notice names the device when work begins.

    Raises:
        DeviceUnavailable: this machine, or this build of torch, does not have it.
    """

    def __init__(self, name: str, tell: Tell) -> None:
        self.name = str(resolve_device(name))
        self._tell = tell if name == "auto" else None

    def telling(self, report: Callable[P, None]) -> Callable[P, None]:
        """``report``, whose first call also gives the notice."""

        def told(*args: P.args, **kwargs: P.kwargs) -> None:
            if self._tell is not None:
                self._tell(Notice("device", f"computing on {self.name}"))
                self._tell = None
            report(*args, **kwargs)

        return told


def _fewer(out: Place, there: int, num: int, before: int) -> str:
    if there > num:
        return f"{out} already holds {there:,} pairs, more than {num:,}; all of them stay"
    return (
        f"{out} was begun for {before:,} pairs and now ends at {there:,}; `num={before}` adds more"
    )
