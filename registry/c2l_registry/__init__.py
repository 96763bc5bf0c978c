"""Names to plugins, model cards and weights on disk. Knows nothing of torch or of ``c2l``.

Importing this package costs next to nothing: the registry itself loads at first use, and pydantic
when the first card is read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from c2l_registry.kinds import Interface, KindSpec
from c2l_registry.references import Reference, Source, parse_reference

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard, RecipeCard
    from c2l_registry.catalogue import ModelEntry
    from c2l_registry.plugins import PluginRecord
    from c2l_registry.registry import Registry

__all__ = [
    "Interface",
    "KindSpec",
    "ModelCard",
    "ModelEntry",
    "PluginRecord",
    "RecipeCard",
    "Reference",
    "Registry",
    "Source",
    "parse_reference",
]

_HOMES = {
    "ModelCard": "c2l_registry.cards",
    "ModelEntry": "c2l_registry.catalogue",
    "PluginRecord": "c2l_registry.plugins",
    "RecipeCard": "c2l_registry.cards",
    "Registry": "c2l_registry.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'c2l_registry' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
