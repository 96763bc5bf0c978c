"""Loaded recipes, out of the way of Python's search for cycles.

A recipe has a great many objects that stay. The search walks through all of them again and again
while requests are answered, and finds nothing.
"""

from __future__ import annotations

import gc


def settle() -> None:
    """Leave out what is in memory now, after everything that nobody needs has gone."""
    unsettle()
    gc.collect()
    gc.freeze()


def unsettle() -> None:
    """Look at everything again, so that what is dropped next can go."""
    gc.unfreeze()
