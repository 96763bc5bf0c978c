"""How much memory this process uses."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any


def memory() -> dict[str, Any]:
    """Bytes, as the web UI tells them; of a GPU nothing is told."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used *= 1 if sys.platform == "darwin" else 1024
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "ram": {"free": total - used, "used": used, "total": total},
        "cuda": {"error": "not told"},
    }
