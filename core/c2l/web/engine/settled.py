"""Loaded recipes, out of the way of Python's search for cycles.

A recipe has a great many objects that stay: a server that answers hundreds of requests a second
would walk through all of them several times a second, to find nothing.
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
