"""Pairs of generator and embedder, and the priors between them.

A prior belongs to one generator and one embedder, and to no others of the same sizes: the names
decide here. Whether the weights behind a name are still those is seen when they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from c2l.errors import spell_fields
from c2l.service.compat.parts import Shelf, named
from c2l.service.compat.priors import KnownPrior, known_priors

Fitting = Literal["fits", "needs", "no prior"]


@dataclass(frozen=True)
class Fit:
    """Whether a generator and an embedder work together.

    Args:
        generator, embedder: references; empty for a part without a name, that a prior names.
        state: ``fits``; ``needs`` something that is not here; ``no prior`` was trained for both.
        priors: that were trained for both.
        reason: why it does not work; empty if it does.
        command: that makes it work, with its fields (``c2l.errors``); empty if none does.
    """

    generator: str
    embedder: str
    state: Fitting
    priors: tuple[str, ...]
    reason: str
    command: str


def find_fits(
    priors: Sequence[str] = (),
    *,
    generators: Sequence[str] = (),
    embedders: Sequence[str] = (),
    every: bool = False,
) -> list[Fit]:
    """Which generators and embedders work together, by which priors, and why others do not.

    Args:
        priors: references or files, beside those of the catalogue.
        generators, embedders: only these; otherwise all that are on this machine.
        every: also all of the catalogue that is not on this machine.
    Raises:
        BadReference, UnknownReference, PluginFailed, NotReadable, BadWeights: what was given.
        BadInput: it is a part of another sort.
    """
    shelf = Shelf()
    known = known_priors(priors, every=every)
    wanted_g = [named(text, "generator") for text in generators]
    wanted_e = [named(text, "embedder") for text in embedders]
    trained = {(prior.generator, prior.embedder) for prior in known}
    all_g = wanted_g or shelf.names("generator", every=every)
    all_e = wanted_e or shelf.names("embedder", every=every)
    pairs = [(g, e) for g in all_g for e in all_e]
    pairs += sorted((g, e) for g, e in trained if g in (wanted_g or [g]) and e in (wanted_e or [e]))
    return [_fit(*pair, known, shelf) for pair in dict.fromkeys(pairs)]


def _fit(generator: str, embedder: str, known: Sequence[KnownPrior], shelf: Shelf) -> Fit:
    between = [p for p in known if (p.generator, p.embedder) == (generator, embedder)]
    names = tuple(prior.reference for prior in between)
    if not between:
        command = f"c2l train {_training(generator, embedder)}"
        reason = _others(generator, embedder, known)
        return Fit(generator, embedder, "no prior", (), reason, command)
    if not (generator and embedder):
        reason = "it was trained for a part without a name: give that part in Python"
        return Fit(generator, embedder, "needs", names, reason, "")
    here = [prior for prior in between if not prior.presence.problem]
    wanted = {generator: shelf.presence(generator), embedder: shelf.presence(embedder)}
    if not here:
        wanted[between[0].reference] = between[0].presence
    absent = {name: presence for name, presence in wanted.items() if presence.problem}
    if not absent:
        return Fit(generator, embedder, "fits", tuple(p.reference for p in here), "", "")
    pull = all(presence.can_be_pulled for presence in absent.values())
    reason = "; ".join(presence.problem for presence in absent.values())
    command = f"c2l models pull {' '.join(absent)}" if pull else ""
    return Fit(generator, embedder, "needs", names, reason, command)


def _others(generator: str, embedder: str, known: Sequence[KnownPrior]) -> str:
    """What the priors of one of the two were trained for instead."""
    others = [f"{p.reference} is for {p.embedder or 'an embedder without a name'}"
              for p in known if p.generator == generator]  # fmt: skip
    others = others or [f"{p.reference} is for {p.generator or 'a generator without a name'}"
                        for p in known if p.embedder == embedder]  # fmt: skip
    more = f", and {len(others) - _MOST} more" if len(others) > _MOST else ""
    return "; ".join(others[:_MOST]) + more


_MOST = 3


def _training(generator: str, embedder: str) -> str:
    words = [re.sub(r"\W+", "-", part.rpartition(":")[2]).strip("-") for part in
             (generator, embedder)]  # fmt: skip
    out = f"{words[0][-40:]}-{words[1][-40:]}.safetensors"
    return spell_fields({"generator": generator, "embedder": embedder, "out": out})
