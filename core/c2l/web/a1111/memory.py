"""How much memory this process uses."""

from __future__ import annotations

import os
import sys
from typing import Any


def memory() -> dict[str, Any]:
    """Bytes, as the web UI tells them; of a GPU, and on Windows, nothing is told."""
    return {"ram": _ram(), "cuda": {"error": "not told"}}


def _ram() -> dict[str, Any]:
    try:
        import resource
    except ImportError:
        return {"error": "not told"}
    unit = 1 if sys.platform == "darwin" else 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"free": total - used, "used": used, "total": total}
