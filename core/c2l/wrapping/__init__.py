"""Parts made of what is there already: a network, a function, a method of either.

Nothing has to be derived from an interface, and no package written. What is wrapped lives in the
program that wrapped it: priors and pictures name it, but only a program that wraps it again can
draw with it.
"""

from __future__ import annotations

from c2l.wrapping.embedder import wrap_embedder
from c2l.wrapping.generator import wrap
from c2l.wrapping.naming import how_to_wrap

__all__ = ["how_to_wrap", "wrap", "wrap_embedder"]
