"""The hooks that a plugin may implement, and the marker that says it does.

A plugin is a module named by an entry point of the group ``c2l.plugins``. It is imported to
*describe* what the plugin offers, so it must be light: no torch at module level. The classes
that do the work are named by dotted path and imported at first use.

    import c2l

    @c2l.hookimpl
    def c2l_register_kinds(register):
        register(c2l.KindSpec(kind="dcgan", interface="generator",
                              factory="c2l_dcgan.generator:DCGAN", summary="A small DCGAN"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pluggy

from c2l_registry import Interface, KindSpec

INTERFACES: Mapping[str, Interface] = {
    "c2l.generator:Generator": "generator",
    "c2l.embedder:Embedder": "embedder",
    "c2l.prior:Prior": "prior",
}
"""By what the classes of a loose file are known, without an import."""

OWN_KINDS = (
    KindSpec(
        kind="direction",
        interface="direction",
        factory="c2l.editing.directions:Direction",
        summary="A move of latents that changes one thing about a picture",
    ),
)
"""What c2l offers without a plugin."""

hookspec = pluggy.HookspecMarker("c2l")
hookimpl = pluggy.HookimplMarker("c2l")


@hookspec
def c2l_register_kinds(register: Callable[[KindSpec], None]) -> None:
    """Offer kinds of generators, embedders or priors.

    Called once, when something is first looked up by reference. Call ``register`` once for each
    kind; a kind that another plugin has already registered is an error that names both packages.
    """


@hookspec
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    """Offer model cards and recipes: TOML files that give names to weights.

    Called once, when the catalogue is first read. ``register`` takes a TOML file, or a folder
    whose ``*.toml`` files are all read. The fields are those of ``c2l_registry.cards``.
    """
