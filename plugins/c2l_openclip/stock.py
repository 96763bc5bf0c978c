"""Those modules of open_clip that need neither torchvision nor timm, without the rest of it.

Importing any part of open_clip imports all of it, which takes longer than drawing a picture. So
its files are imported as a package of ours, whose ``__init__`` is empty; where open_clip has been
imported anyway, it is used as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from c2l.errors import MissingDependency

_NAME = f"{__package__}.stock_open_clip"


def tokenizers() -> ModuleType:
    """``open_clip.tokenizer``."""
    return _module("tokenizer")


def pretrained() -> ModuleType:
    """Where ``list_pretrained``, ``get_pretrained_cfg`` and ``download_pretrained`` are found."""
    whole = sys.modules.get("open_clip")
    return whole if whole is not None else _module("pretrained")


def model_config(architecture: str) -> dict[str, Any] | None:
    """The ``model_cfg`` of an architecture; None where open_clip has none of this name."""
    whole = sys.modules.get("open_clip")
    if whole is not None:  # which may have been taught more
        config: dict[str, Any] | None = whole.get_model_config(architecture)
        return config
    files = (_folder() / "model_configs").glob("*.json")
    found = next((file for file in files if file.stem == architecture), None)
    if found is None:
        return None
    with found.open(encoding="utf-8") as file:
        read: dict[str, Any] = json.load(file)
    return read


def _module(name: str) -> ModuleType:
    if "open_clip" in sys.modules:
        return importlib.import_module(f"open_clip.{name}")
    if _NAME not in sys.modules:
        package = ModuleType(_NAME)
        package.__path__ = [str(_folder())]
        sys.modules[_NAME] = package
    return importlib.import_module(f"{_NAME}.{name}")


def _folder() -> Path:
    """Where open_clip is installed.

    Raises:
        MissingDependency: nowhere.
    """
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise MissingDependency(
            "openclip needs the package open_clip, which is not installed",
            hint="Run: pip install open_clip_torch",
        )
    return Path(spec.origin).parent
