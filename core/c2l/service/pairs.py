"""Makes pairs with a generator and an embedder given by reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, ParamSpec

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.loading import load_embedder, load_generator
from c2l.pairs import (
    ALL,
    FolderStatus,
    LocalEngine,
    Pairs,
    PairsManifest,
    begin_pairs,
    draw_pairs,
    finish_pairs,
    forget_workers,
    moved_by_groups,
    naming,
    pairs_status,
    read_manifest,
)
from c2l.pairs.records import shard_name
from c2l.places import Place, place_of
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent
from c2l.service.notices import Notice, Tell
from c2l.service.pairs_engines import check_engine, devices_of, engine_of, num_workers
from c2l.service.pairs_request import PairsRequest, share_of, wanted_pairs

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport

P = ParamSpec("P")

MUCH_MOVED = 0.05
"""Of the variance of pictures: where layer groups move their mean by less, what priors draw looks
nearly as true as from one code; where by more, a sixth of it no longer does
(``benchmarks/mixing.md``)."""


def make_pairs(
    request: PairsRequest,
    *,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
    on_progress: Callable[[int, int, str], None] = lambda done, num, note: None,
) -> FolderStatus:
    """Fetch the parts if need be, and make pairs with them, or a share of them.

    Whoever finds all pairs there when its share is done finishes the folder.

    Args:
        ask, tell, on_download: as in ``fetch_with_consent``.
        on_progress: called with pairs done, pairs in total, and a note.
    Raises:
        As ``fetch_with_consent``, ``c2l.load_generator`` and ``build_pairs``.
    """
    check_engine(request)
    share, wanted, out = share_of(request), wanted_pairs(request), place_of(request.out)
    devices = devices_of(request)
    chosen = ChosenDevice(devices[0] if devices else request.device, tell)
    references = [wanted.generator, wanted.embedder]
    with naming(share) if share != ALL else nullcontext():
        fetch_with_consent(references, ask=ask, tell=tell, on_download=on_download)
        parts = (
            load_with_consent(lambda: load_generator(wanted.generator, device=chosen.name), ask),
            load_embedder(wanted.embedder, device=chosen.name),
        )
        plan = begin_pairs(
            parts,
            wanted.num,
            out,
            groups=wanted.groups,
            class_labels=wanted.class_labels,
            first_seed=wanted.first_seed,
            shard_size=request.shard_size,
            batch_size=request.batch_size,
            precision=request.precision,
            latents=request.latents,
        )
    if share == ALL:
        _tell_moved(parts, plan, out, tell)
    report = chosen.telling(on_progress)
    draw_pairs(
        parts,
        plan,
        out,
        engine_of(request, wanted.num, chosen.name),
        share,
        on_progress=lambda done, total: report(done, total, ""),
    )
    status = pairs_status(out)
    if status.complete:
        forget_workers(out)
        if not status.plan.complete:
            status = dataclasses.replace(status, plan=finish_pairs(out))
    if wanted.num < wanted.num_before:
        text = _fewer(out, plan.num, wanted.num, wanted.num_before)
        tell(Notice("resumed", text))
    return status


def fill_folder(
    generator: Generator,
    embedder: Embedder,
    out: Place,
    num: int,
    *,
    groups: Sequence[int] | None = None,
    class_labels: Sequence[int | str] | None = None,
    first_seed: int = 0,
    tell: Tell,
    on_progress: Callable[[int, int, str], None],
) -> Pairs:
    """``build_pairs``, with a notice if the folder was begun for more pairs than ``num``, or if
    layer groups move what the generator draws."""
    before = read_manifest(out) if (out / "manifest.json").exists() else None
    parts = (generator, embedder)
    plan = begin_pairs(
        parts, num, out, groups=groups, class_labels=class_labels, first_seed=first_seed
    )
    _tell_moved(parts, plan, out, tell)
    device = generator.device
    engine = LocalEngine((str(device),) * num_workers(device.type, num))
    draw_pairs(
        parts, plan, out, engine, on_progress=lambda done, total: on_progress(done, total, "")
    )
    pairs = Pairs(out, finish_pairs(out))
    if before is not None and num < before.num:
        tell(Notice("resumed", _fewer(out, len(pairs), num, before.num)))
    return pairs


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


def _tell_moved(
    parts: tuple[Generator, Embedder], plan: PairsManifest, out: Place, tell: Tell
) -> None:
    """Before hours are spent on them."""
    begun = (out / shard_name(0)).exists()
    away = None if begun else moved_by_groups(parts, plan)
    if away is None or away < MUCH_MOVED:
        return
    groups = ",".join(map(str, plan.repeats))
    tell(
        Notice(
            "pairs",
            f"with `groups={groups}`, {plan.generator.reference} does not draw what it usually "
            f"does: pictures are moved by {away:.0%} of their variance, as where a generator was "
            "not trained to mix so many codes; look at the pictures, or use fewer groups or none",
        )
    )


def _fewer(out: Place, there: int, num: int, before: int) -> str:
    if there > num:
        return f"{out} already holds {there:,} pairs, more than {num:,}; all of them stay"
    return (
        f"{out} was begun for {before:,} pairs and now ends at {there:,}; `num={before}` adds more"
    )
