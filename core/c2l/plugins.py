"""The one registry of this process: what the installed plugins offer."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

from c2l_registry import Registry
from c2l_registry.loose import FILES, named_files


@functools.cache
def registry() -> Registry:
    """Discovered at first use; no plugin is imported before something of it is asked for."""
    from c2l import hookspecs

    return Registry(hookspecs)


def use_plugin_files(files: Sequence[str]) -> None:
    """Have this process and its children use loose files, besides those in ``C2L_PLUGINS``.

    Before anything is looked up: what was registered in this process so far is forgotten.
    """
    os.environ[FILES] = os.pathsep.join(dict.fromkeys([*named_files(os.environ), *files]))
    registry.cache_clear()
