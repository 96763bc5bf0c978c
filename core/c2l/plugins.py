"""The one registry of this process: what the installed plugins offer."""

from __future__ import annotations

import functools

from c2l_registry import Registry


@functools.cache
def registry() -> Registry:
    """Discovered at first use; no plugin is imported before something of it is asked for."""
    from c2l import hookspecs

    return Registry(hookspecs)
