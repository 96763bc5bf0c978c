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
from c2l_registry.errors import BadReference, C2LError, PluginFailed, UnknownPlugin
from c2l_registry.explanations import taken_kind, unusable_file
from c2l_registry.kinds import WRAPPED, Interface, KindSpec
from c2l_registry.loose import collected, collecting, find_files, import_file, package_of_file
from c2l_registry.plugins import PluginRecord, discover, unknown_disabled


class Installed:
    """What is installed, before any card is read. Each stage runs once, when it is first needed.

    Args:
        hookspecs: the module with the hook specifications, ``c2l.hookspecs``.
        group: the entry-point group.
        environ: read for ``C2L_DISABLE_PLUGINS``, ``C2L_PLUGINS`` and ``C2L_HOME``.
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
        self._live: dict[str, tuple[Description, type[Any]]] = {}

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

    def unusable_files(self) -> list[C2LError]:
        """An error for each file in ``C2L_PLUGINS`` that is not there, or that fails."""
        named = [record for record in self.plugins() if record.file]
        described = {d.record.file: d.record for d in self._described} if named else {}
        return [
            unusable_file(described[record.file], run=record.state == "available")
            for record in named
            if described[record.file].state in {"failed", "incompatible"}
        ]

    def register(self, spec: KindSpec, cls: type[Any]) -> None:
        """Offer a class of this process; it replaces one that was registered by the same kind.

        Raises:
            BadReference: the kind comes with c2l itself.
        """
        if (kinds := collected()) is not None:
            kinds.append(spec)
            return
        own = {kind: d.record for d in self._bundled.values() for kind in d.kinds}
        own |= {own_spec.kind: self._host for own_spec in self._own_kinds}
        if spec.kind in own:
            raise BadReference(
                f"the kind {spec.kind!r} is one of {own[spec.kind].dist} itself",
                hint="Choose another: kind=…",
            )
        record = PluginRecord(
            cls.__qualname__, "this process", "", "available", spec.summary, module=cls.__module__,
            kinds=(spec.kind,),
        )  # fmt: skip
        self._live[spec.kind] = Description(record, {spec.kind: spec}), cls
        self.__dict__.pop("_claims", None)

    def lives_here(self, reference: str) -> bool:
        """Whether a reference means something to this process alone."""
        kind = reference.partition(":")[0]
        return kind == WRAPPED or kind in self._live

    def kinds(self, interface: Interface | None = None) -> dict[str, KindSpec]:
        """The kinds that can be used, by name, without those that two plugins claim.

        Args:
            interface: None for all that plugins offer, without the host's own.
        Raises:
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        self._refuse()
        return {
            kind: claims[0][0]
            for kind, claims in sorted(self._claims.items())
            if len(claims) == 1
            and (
                claims[0][0] not in self._own_kinds
                if interface is None
                else claims[0][0].interface == interface
            )
        }

    def package(self, kind: str) -> str:
        """The name of the installed package that provides a kind, or ``./file.py#sha256=…``.

        Empty for a class that is registered in this process.

        Raises:
            KeyError: no plugin, or more than one, provides it.
        """
        record = self.owner_of_kind(kind)
        if kind in self._live:
            return ""
        return package_of_file(record) if record.file else record.dist

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
        if spec.kind in self._live:
            return self._live[spec.kind][1]
        module, _, name = spec.factory.partition(":")
        record = self.owner_of_kind(spec.kind)
        try:
            if record.file:
                with collecting():  # it was described already
                    import_file(record)
            found: type[Any] = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
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
        files = find_files(self._group, self._environ)
        return [*discover(self._group, self._environ), *files]

    @property
    def _described(self) -> list[Description]:
        return [*self._asked, *(description for description, _ in self._live.values())]

    @cached_property
    def _bundled(self) -> dict[PluginRecord, Description]:
        rows = [row for row in self._discovered if row[0].bundled]
        return {record: describe(record, point, self._hookspecs) for record, point in rows}

    @cached_property
    def _asked(self) -> list[Description]:
        third_party = [
            row for row in self._discovered if row[0].state == "available" and not row[0].bundled
        ]
        told: dict[PluginRecord, Description] = {}
        if third_party:
            from c2l_registry.third_party import describe_third_party  # not free to import

            told = describe_third_party(third_party, self._hookspecs, self._group, self._environ)
        return _without_taken_kinds(
            [
                self._bundled.get(record) or told.get(record) or Description(record)
                for record, _ in self._discovered
            ],
            {spec.kind: self._host for spec in self._own_kinds},
        )

    @property
    def _own_kinds(self) -> tuple[KindSpec, ...]:
        """What the host itself offers, without a plugin."""
        return getattr(self._hookspecs, "OWN_KINDS", ())

    @property
    def _host(self) -> PluginRecord:
        host = self._group.partition(".")[0]
        return PluginRecord(host, host, "", "available", module=host, bundled=True)

    @cached_property
    def _claims(self) -> dict[str, list[tuple[KindSpec, PluginRecord]]]:
        claims = {spec.kind: [(spec, self._host)] for spec in self._own_kinds}
        for description in self._described:
            if description.record.state == "available":
                for kind, spec in description.kinds.items():
                    if kind in self._live:  # what this process says last is meant
                        claims.pop(kind, None)
                    claims.setdefault(kind, []).append((spec, description.record))
        return claims

    # -- explanations

    def _refuse(self) -> None:
        """Stop before anything is looked up, if something bars the way."""
        for error in (*self.unknown_disabled(), *self.unusable_files()):
            raise error


def _without_taken_kinds(
    descriptions: list[Description], hosts: Mapping[str, PluginRecord]
) -> list[Description]:
    """What is left where plugins claim kinds of the host's own; their other kinds work."""
    own = {**hosts, **{k: d.record for d in descriptions if d.record.bundled for k in d.kinds}}
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
