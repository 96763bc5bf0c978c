"""How a plugin describes a kind of generator, embedder or prior, before its class is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Interface = Literal["generator", "embedder", "prior", "direction"]
INTERFACES: tuple[Interface, ...] = get_args(Interface)

WRAPPED = "wrapped"
"""The kind of what lives in a program that wrapped it, so that nothing can be loaded by it."""

# Two characters at least: a single letter before a colon is a Windows drive.
KIND = re.compile(r"[a-z][a-z0-9-]+")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class KindSpec:
    """The description of one kind, registered by ``c2l_register_kinds``.

    Args:
        kind: the word before the colon of a reference: ``[a-z][a-z0-9-]+``.
        interface: ``generator``, ``embedder`` or ``prior``. Directions are all of one kind, the
            host's own.
        factory: dotted path of the class, ``package.module:Class``, imported at first use.
        summary: one line for ``c2l models list``.
        licence: of the code; those of weights are on their cards.
        requires: what to ``pip install`` if importing the class fails, as in ``c2l-dcgan[fast]``.
        open_names: the class also takes names that are on no card, as in ``openclip:ARCH/TAG``.
        programs: its files are programs: c2l runs one only after the user said yes to it.
    Raises:
        ValueError: a field does not have this form.
    """

    kind: str
    interface: Interface
    factory: str
    summary: str
    licence: str = ""
    requires: tuple[str, ...] = ()
    open_names: bool = False
    programs: bool = False

    def __post_init__(self) -> None:
        for name in ("kind", "interface", "factory", "summary", "licence"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"the {name} {getattr(self, name)!r} is not a text")
        if isinstance(self.requires, str) or not all(isinstance(r, str) for r in self.requires):
            raise ValueError(f"{self.kind}: `requires` takes texts, as in ('c2l-dcgan[fast]',)")
        if not KIND.fullmatch(self.kind):
            raise ValueError(
                f"the kind {self.kind!r} must be a letter, then one or more of a-z, 0-9 and '-'"
            )
        if self.kind == WRAPPED:
            raise ValueError(f"the kind {WRAPPED!r} is that of c2l.wrap; choose another")
        if self.interface not in INTERFACES:
            raise ValueError(
                f"{self.kind}: the interface {self.interface!r} is not one of "
                + ", ".join(INTERFACES)
            )
        if not _FACTORY.fullmatch(self.factory):
            raise ValueError(
                f"{self.kind}: the factory {self.factory!r} must look like 'package.module:Class'"
            )
