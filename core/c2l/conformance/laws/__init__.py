"""The laws of each interface, in the order in which they are checked."""

from __future__ import annotations

from collections.abc import Mapping

from c2l.conformance.law import Law
from c2l.conformance.laws.embedders import EMBEDDER_LAWS
from c2l.conformance.laws.generators import GENERATOR_LAWS
from c2l.conformance.laws.priors import PRIOR_LAWS
from c2l_registry import Interface

LAWS: Mapping[Interface, tuple[Law, ...]] = {
    "generator": GENERATOR_LAWS,
    "embedder": EMBEDDER_LAWS,
    "prior": PRIOR_LAWS,
}

MINIMUM: Mapping[Interface, int] = {"generator": 25, "embedder": 24, "prior": 25}
"""How many laws apply whatever a part declares."""

__all__ = ["EMBEDDER_LAWS", "GENERATOR_LAWS", "LAWS", "MINIMUM", "PRIOR_LAWS"]
