"""What wrapped callables are called, and how they are called for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from c2l.module_names import module_of
from c2l_registry import Reference
from c2l_registry.kinds import WRAPPED


def name_of(wrapped: Any) -> str:
    """The qualified name of a function, of a method, or of the class of anything else."""
    while isinstance(wrapped, functools.partial):
        wrapped = wrapped.func
    if (owner := getattr(wrapped, "__self__", None)) is not None:
        return f"{name_of(owner)}.{wrapped.__name__}"
    named = wrapped if hasattr(wrapped, "__qualname__") else type(wrapped)
    return str(named.__qualname__)


def reference_of(wrapped: Any) -> Reference:
    """``wrapped:my_module.MyGAN``. A script has the name under which it would be imported."""
    while isinstance(wrapped, functools.partial):
        wrapped = wrapped.func
    module = module_of(getattr(wrapped, "__self__", wrapped))
    return Reference(WRAPPED, f"{module}.{name_of(wrapped)}".replace(" ", "-"))


def how_to_wrap(role: str, settings: Mapping[str, Any]) -> str:
    """The Python that gives a part again, from the settings that a prior's card has of it."""
    if role == "embedder":
        return f"embedder=c2l.wrap_embedder(…, width={settings.get('width', '…')})"
    latent = tuple(settings.get("latent", ()))
    given = [f"latent={latent[0] if len(latent) == 1 else latent}"]
    if (distribution := settings.get("distribution")) != "normal":
        known = distribution == "uniform"
        given.append(f'distribution="{distribution}"' if known else f"distribution={distribution}")
    if (lowest_and_highest := tuple(settings.get("value_range", ()))) != (-1, 1):
        given.append(f"value_range={lowest_and_highest}")
    return f"generator=c2l.wrap({settings.get('wraps', '…')}, {', '.join(given)})"
