"""What a process needs to draw shards of a folder: the plan, and where to load the parts from."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from c2l.errors import Assumed, BadInput, C2LError, IncompatibleParts
from c2l.pairs.drawing import OnDrawn, Parts, ShardDrawer
from c2l.pairs.manifest import PairsManifest
from c2l.pairs.precision import lower
from c2l.pairs.records import shard_name
from c2l.pairs.shares import Share
from c2l.part import Part
from c2l.places import Place
from c2l.plugins import registry
from c2l.prior_file import PartCard

Load = Callable[[str], Parts]
"""Loads the parts onto a device."""


@dataclass(frozen=True)
class Job:
    """Shards of one folder, to be drawn by any process on any machine that sees the folder."""

    load: Load
    plan: PairsManifest
    out: Place

    def open(self, device: str, on_drawn: OnDrawn = lambda num: None) -> ShardDrawer:
        """Load the parts.

        Raises:
            IncompatibleParts: here, a reference names other weights than those of the plan.
            As ``c2l.load_generator``.
        """
        parts = self.load(device)
        lower(parts, self.plan.precision)
        return ShardDrawer(parts, self.plan, self.out, on_drawn)


def job_of(parts: Parts, plan: PairsManifest, out: Place) -> Job:
    """The job of drawing a folder with these parts.

    Raises:
        BadInput: a part was not loaded by a reference, so no other process could load it.
    """
    for part in parts:
        if not can_be_loaded(part):
            raise BadInput(
                f"a worker cannot load {part.reference or type(part).__name__}, "
                "which lives in this process alone",
                hint="Use `workers=1`, or put its class into a file that C2L_PLUGINS names",
                field="workers",
            )
    # Not the plan's: the folder may have been begun with the same weights by another name.
    generator, embedder = map(PartCard.of, parts)
    return Job(partial(load_parts, generator, embedder), plan, out)


def can_be_loaded(part: Part) -> bool:
    """Whether another process can load a part by its reference."""
    return bool(part.reference) and not registry().lives_here(part.reference)


@contextmanager
def assumptions_said_before() -> Iterator[None]:
    """Parts are loaded again: what is assumed of them was said where they were loaded first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Assumed)
        yield


def load_parts(generator: PartCard, embedder: PartCard, device: str) -> Parts:
    """Load parts by reference, and check that they are the ones that are meant."""
    from c2l.loading import load_embedder, load_generator

    with assumptions_said_before():
        parts = (
            load_generator(generator.reference, device=device),
            load_embedder(embedder.reference, device=device),
        )
    for part, card in zip(parts, (generator, embedder), strict=True):
        if part.fingerprint() != card.fingerprint:
            raise IncompatibleParts(
                f"{card.reference} names other weights than those in use",
                hint="Put the same file there, or draw elsewhere",
            )
    return parts


@contextmanager
def naming(what: int | Share) -> Iterator[None]:
    """Errors name this node, and the shard or the share, for those who read them elsewhere."""
    try:
        yield
    except C2LError as error:
        work = what if isinstance(what, Share) else shard_name(what)
        error.message = f"node {platform.node()}, {work}: {error.message}"
        raise
