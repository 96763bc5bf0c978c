"""What every part must obey. A law is a function of a part that raises ``AssertionError``.

Its name says what it demands, its message what to do. A part for which a law has no meaning, such
as the law of gradients for a network that has none, leaves that law out by name.
"""

from __future__ import annotations

from c2l.testing.laws.common import Law
from c2l.testing.laws.embedders import EMBEDDER_LAWS
from c2l.testing.laws.generators import GENERATOR_LAWS
from c2l.testing.laws.priors import PRIOR_LAWS

__all__ = ["Law", "GENERATOR_LAWS", "EMBEDDER_LAWS", "PRIOR_LAWS"]
