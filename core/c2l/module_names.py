"""The names of modules, as they are imported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def module_of(named: Any) -> str:
    """The module of a class or a function. A script has the name it would be imported under."""
    module: str = getattr(named, "__module__", None) or type(named).__module__
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    return spec.name if spec else Path(file).stem if file else module
