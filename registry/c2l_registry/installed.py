"""The installed plugins and the kinds they provide."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

from c2l_registry.describing import Description, describe, one_line
from c2l_registry.errors import PluginFailed, UnknownPlugin
from c2l_registry.explanations import taken_kind
from c2l_registry.kinds import Interface, KindSpec
from c2l_registry.plugins import PluginRecord, discover, unknown_disabled


class Installed:
    """What is installed, before any card is read. Each stage runs once, when it is first needed.

    Args:
        hookspecs: the module with the hook specifications, ``c2l.hookspecs``.
        group: the entry-point group.
        environ: read for ``C2L_DISABLE_PLUGINS`` and ``C2L_HOME``.
    """

    def __init__(
        self,
        hookspecs: ModuleType,
        *,
        group: str = "c2l.plugins",
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._hookspecs = hookspecs
        self._group = group
        self._environ = environ
        self._owners: dict[type[Any], PluginRecord] = {}

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables that say where weights are and whether there is a network."""
        return self._environ

    def plugins(self) -> list[PluginRecord]:
        """Every installed plugin, from package metadata alone: nothing is imported."""
        return [record for record, _ in self._discovered]

    def unknown_disabled(self) -> list[UnknownPlugin]:
        """An error for each name in ``C2L_DISABLE_PLUGINS`` that no installed plugin has."""
        return unknown_disabled(self.plugins(), self._environ)

    def kinds(self, interface: Interface | None = None) -> dict[str, KindSpec]:
        """The kinds that can be used, by name, without those that two plugins claim.

        Raises:
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        self._refuse()
        return {
            kind: claims[0][0]
            for kind, claims in sorted(self._claims.items())
            if len(claims) == 1 and interface in {None, claims[0][0].interface}
        }

    def package(self, kind: str) -> str:
        """The name of the installed package that provides a kind.

        Raises:
            KeyError: no plugin, or more than one, provides it.
        """
        return self.owner_of_kind(kind).dist

    def owner_of_kind(self, kind: str) -> PluginRecord:
        """The plugin that provides a kind.

        Raises:
            KeyError: no plugin, or more than one, provides it.
        """
        ((_, record),) = self._claims[kind]
        return record

    def owner(self, cls: type[Any]) -> PluginRecord | None:
        """The plugin that a class belongs to; None for a class of the user's own."""
        top = cls.__module__.partition(".")[0]
        for record in self.plugins():
            if record.module.partition(":")[0].partition(".")[0] == top:
                return record
        return next((self._owners[base] for base in cls.__mro__ if base in self._owners), None)

    def factory(self, spec: KindSpec) -> type[Any]:
        """Import the class of a kind, and with it torch.

        Raises:
            PluginFailed: it cannot be imported; the hint says what to install.
        """
        module, _, name = spec.factory.partition(":")
        try:
            found: type[Any] = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            record = self.owner_of_kind(spec.kind)
            hint = f"Report it to the authors of {record.dist}, or install another version"
            if isinstance(error, ModuleNotFoundError) and _absent(error.name):
                # A module is not always a package of that name: propose what the plugin asks for.
                needs = " ".join(f'"{item}"' for item in spec.requires)
                hint = f"Install what it needs: pip install {needs}" if needs else hint
            raise PluginFailed(
                f"the {spec.interface} {spec.kind} of plugin {record} cannot be imported: "
                f"{one_line(error)}",
                hint=hint,
            ) from error
        if isinstance(found, type):
            self._owners.setdefault(found, self.owner_of_kind(spec.kind))
        return found

    # -- stages

    @cached_property
    def _discovered(self) -> list[tuple[PluginRecord, EntryPoint]]:
        return discover(self._group, self._environ)

    @cached_property
    def _described(self) -> list[Description]:
        third_party = [
            row for row in self._discovered if row[0].state == "available" and not row[0].bundled
        ]
        told: dict[PluginRecord, Description] = {}
        if third_party:
            from c2l_registry.third_party import describe_third_party  # not free to import

            told = describe_third_party(third_party, self._hookspecs, self._group, self._environ)
        return _without_taken_kinds(
            [
                describe(record, point, self._hookspecs)
                if record.bundled
                else told.get(record) or Description(record)
                for record, point in self._discovered
            ]
        )

    @cached_property
    def _claims(self) -> dict[str, list[tuple[KindSpec, PluginRecord]]]:
        claims: dict[str, list[tuple[KindSpec, PluginRecord]]] = {}
        for description in self._described:
            if description.record.state == "available":
                for kind, spec in description.kinds.items():
                    claims.setdefault(kind, []).append((spec, description.record))
        return claims

    # -- explanations

    def _refuse(self) -> None:
        """Stop before anything is looked up, if something bars the way."""
        for error in self.unknown_disabled():
            raise error


def _without_taken_kinds(descriptions: list[Description]) -> list[Description]:
    """What is left where plugins claim kinds of the host's own; their other kinds work."""
    own = {k: d.record for d in descriptions if d.record.bundled for k in d.kinds}
    left = []
    for description in descriptions:
        record = description.record
        taken = [] if record.bundled else sorted(own.keys() & description.kinds.keys())
        if taken and record.state == "available":
            kinds = {k: spec for k, spec in description.kinds.items() if k not in own}
            faults = {kind: taken_kind(kind, own[kind]) for kind in taken}
            description = replace(
                description,
                record=replace(record, kinds=tuple(kinds)),
                kinds=kinds,
                faults=description.faults | faults,
                claims_too_much=True,
            )
        left.append(description)
    return left


def _absent(module: str | None) -> str:
    """The package that a failed import needs, if it is not installed; else empty."""
    package = (module or "").partition(".")[0]
    return package if package and importlib.util.find_spec(package) is None else ""
