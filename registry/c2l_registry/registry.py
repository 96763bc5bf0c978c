"""Looks up everything that has a name: plugins, kinds, models, recipes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from c2l_registry.catalogue import (
    Catalogue,
    ModelEntry,
    Shelved,
    entry_of_card,
    entry_of_kind,
    read_catalogue,
    where,
)
from c2l_registry.checksums import first_seen
from c2l_registry.choices import read_choices
from c2l_registry.errors import (
    BadCard,
    BadReference,
    C2LError,
    NotDownloaded,
    NotReadable,
    PluginFailed,
    UnknownPlugin,
    UnknownReference,
)
from c2l_registry.explanations import claimed_twice, join, not_loaded, not_wrapped_here
from c2l_registry.installed import Installed
from c2l_registry.kinds import INTERFACES, WRAPPED, Interface, KindSpec
from c2l_registry.paths import check_given, check_readable, is_there, shorten
from c2l_registry.plugins import (
    DISABLE,
    LIST_PLUGINS,
    PluginRecord,
    did_you_mean,
)
from c2l_registry.references import Reference, means_a_path, names_a_file, parse_reference
from c2l_registry.sources import Source
from c2l_registry.switches import STRICT, is_on
from c2l_registry.weights import cached_path, converted_path, is_cached

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard, RecipeCard
    from c2l_registry.describing import Description

LIST_MODELS = "List the names: c2l models list"


class Registry(Installed):
    """What the installed plugins offer: kinds, and the names on their cards."""

    # -- plugins

    def describe(self, *, cards: bool = False) -> list[PluginRecord]:
        """Every installed plugin, after it was asked what it offers.

        A plugin with a fault in a part of it, such as a broken card, is ``failed``, but its other
        kinds and cards work.

        Args:
            cards: also read the card files, for what is wrong with them together.
        """
        if not cards:
            return [description.row for description in self._described]
        rows = []
        for description in self._described:
            problems = self._catalogue.problems.get(str(description.record), ())
            faults = description.faults | {error.message: error.message for error in problems}
            rows.append(replace(description, faults=faults).row)
        return rows

    def plugin(self, name: str) -> PluginRecord:
        """One plugin, with its card files read; the first, if two share a name.

        Raises:
            UnknownPlugin: no plugin of that name is installed.
        """
        # Of two that share a name, the one that works is meant.
        rows = sorted(self.describe(cards=True), key=lambda row: row.state == "available")
        records = {record.name: record for record in rows}
        if name not in records:
            raise UnknownPlugin(
                f"no plugin {name!r} is installed",
                hint=join(did_you_mean(name, sorted(records)), LIST_PLUGINS),
            )
        return records[name]

    def problems(self, *, cards: bool = False) -> list[C2LError]:
        """Everything that is wrong with the installed plugins, each thing once.

        Args:
            cards: also read the card files.
        """
        found: dict[str, C2LError] = {}
        try:
            read_choices(self.environ)
        except C2LError as error:
            found[error.message] = error
        for description in self._described:
            record = description.record
            if record.state == "collision":
                found[f"{record.name} {record.error}"] = PluginFailed(
                    f"plugin {record.name!r} is not used: {record.error}"
                )
            elif record.state in {"failed", "incompatible"} and not record.file:
                found[str(record)] = PluginFailed(
                    f"plugin {record} did not load: {record.error}",
                    hint=f"See more: c2l plugins show {record.name}. "
                    f"Leave it out: {DISABLE}={record.name}",
                )
            for fault in description.faults.values():
                found[fault] = PluginFailed(
                    f"plugin {record}: {fault}", hint=f"See more: c2l plugins show {record.name}"
                )
        for kind, claims in self._claims.items():
            if len(claims) > 1:
                found[f"kind {kind}"] = claimed_twice(kind, claims)
        if cards:
            for errors in self._catalogue.problems.values():
                found.update((error.message, error) for error in errors)
        return list(found.values())

    def refuse_broken(self) -> None:
        """What ``C2L_PLUGINS_STRICT`` asks for: no work at all while something is wrong.

        Raises:
            PluginFailed: it is set, and a plugin or a card of one cannot be used.
        """
        if is_on(STRICT, self.environ) and (problems := self.problems(cards=True)):
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise PluginFailed(
                f"{STRICT} is set, and {problems[0].message}{more}", hint=problems[0].hint
            )

    def _refuse(self) -> None:
        super()._refuse()
        self.refuse_broken()

    def descriptions(self) -> list[Description]:
        """What every plugin offers, in the order in which they were asked, and how they told."""
        return self._described

    # -- names

    def models(self, interface: Interface | None = None) -> list[ModelEntry]:
        """Everything that a reference can name: each kind, followed by its cards.

        Raises:
            NotReadable: this user may not look into the weights folder.
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        specs = sorted(
            self._listed(interface).values(), key=lambda s: (INTERFACES.index(s.interface), s.kind)
        )
        rows = sorted(self._catalogue.models.items(), key=lambda row: _natural(row[0]))
        entries = []
        for spec in specs:
            cards = [self._entry(spec, row) for name, row in rows if _is_of(spec.kind, name)]
            # What is already here comes first; the sort keeps the order within both halves.
            cards.sort(key=lambda entry: entry.state == "to be fetched")
            entries += [self._entry(spec, None), *cards]
        return entries

    def cards(self, interface: Interface | None = None) -> dict[str, ModelCard]:
        """The cards of the catalogue by reference, without a look at the weights folder.

        Raises:
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        return {name: self._catalogue.models[name].card for name in self._names(interface)}

    def card_of_file(self, sha256: str) -> ModelCard | None:
        """The card of a file with this checksum: on the card, or seen when it was first fetched."""
        for card in self.cards().values():
            path = cached_path(card, self._environ)
            with suppress(NotReadable):  # what was seen there then cannot be known
                if sha256 == (card.sha256 or (first_seen(path) if path else "")):
                    return card
        return None

    def entry(self, text: str) -> ModelEntry:
        """The row of one kind or one card.

        Raises:
            UnknownReference: there is no such row.
            BadReference: it is a path.
            NotReadable: this user may not look into the weights folder.
            PluginFailed: the kind belongs to a plugin that did not load, or to two of them.
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        if means_a_path(text):
            raise _a_path(text)
        kind, _, name = text.partition(":")
        spec = self._spec(kind, None)
        shelved = self._catalogue.models.get(text)
        if name and shelved is None:
            raise self._unknown_name(text, spec)
        return self._entry(spec, shelved)

    def lookup(self, text: str) -> tuple[KindSpec, ModelEntry | None]:
        """The kind of a reference ``kind:name`` and, if a card lists the name, its row.

        Raises:
            BadReference: it does not have that form, or is a path.
            UnknownReference: there is no such kind or name.
            NotReadable: this user may not look into the weights folder.
            PluginFailed: the kind belongs to a plugin that did not load, or to two of them.
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        reference = self.parse(text)
        if not reference.in_catalogue:
            raise _a_path(text)
        spec = self._spec(reference.kind, None)
        shelved = self._catalogue.models.get(text)
        if shelved is None and not spec.open_names:
            raise self._unknown_name(text, spec)
        return spec, self._entry(spec, shelved) if shelved else None

    def recipes(self) -> dict[str, RecipeCard]:
        """The recipes by name.

        Raises:
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        self._refuse()
        return {name: row.card for name, row in sorted(self._catalogue.recipes.items())}

    def recipe(self, name: str) -> RecipeCard:
        """One recipe.

        Raises:
            UnknownReference: there is none of that name.
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        recipes = self.recipes()
        if name not in recipes:
            raise UnknownReference(
                f"there is no recipe {name!r}",
                hint=join(did_you_mean(name, list(recipes)), "List them: c2l recipes list"),
            )
        return recipes[name]

    # -- references

    def parse(self, text: str, interface: Interface | None = None) -> Reference:
        """``parse_reference``, with the nearest names in the error.

        Raises:
            BadReference: it does not have that form.
        """
        try:
            return parse_reference(text)
        except BadReference as error:
            if text in self.kinds(interface):
                raise BadReference(
                    f"{text} is a kind, and has no name",
                    hint=f"Write {text}:NAME, or {text}:./FILE. List the names: c2l models list",
                ) from None
            is_file = means_a_path(text) or names_a_file(text)
            near = "" if is_file else did_you_mean(text, self._names(interface))
            recipe = f"For the recipe: c2l recipes pull {text}" if text in self.recipes() else ""
            raise BadReference(error.message, hint=join(near, recipe) or error.hint) from None

    def resolve(self, text: str, interface: Interface) -> tuple[KindSpec, Source]:
        """Find the kind and the weights that ``kind:name`` or ``kind:path`` stands for.

        Raises:
            BadReference, BadPath: it does not have that form, or names an impossible path.
            UnknownReference: there is no such kind, name or file, or not of this interface.
            NotReadable: this user may not read the file, or the weights folder.
            NotDownloaded: its weights are not on this machine yet; nothing is fetched here.
            PluginFailed: the kind belongs to a plugin that did not load, or to two of them.
            BadCard: the card names an embedded file that is missing from the package.
            UnknownPlugin: ``C2L_DISABLE_PLUGINS`` names a plugin that is not installed.
        """
        reference = self.parse(text, interface)
        if not reference.kind:
            kinds = ", ".join(f"{kind}:{text}" for kind in self.kinds(interface))
            raise BadReference(f"{text} does not name its kind", hint=f"Write one of {kinds}")
        spec = self._spec(reference.kind, interface)
        if reference.is_path:
            return spec, Source(reference, check_given(reference.path), None)
        if reference.is_address:  # whoever loads it gets a copy
            return spec, Source(reference, None, None)
        shelved = self._catalogue.models.get(str(reference))
        if shelved is None:
            if spec.open_names:
                return spec, Source(reference, None, None)
            raise self._unknown_name(str(reference), spec)
        path, card = where(shelved, self._environ), shelved.card
        if path is None:
            return spec, Source(reference, None, card)
        if is_there(path) if card.file else is_cached(card, self._environ):
            if not card.file and is_there(converted_path(path)):
                path = converted_path(path)
            return spec, Source(reference, check_readable(path), card)
        if card.file:
            raise BadCard(
                f"the weights of {reference} are missing from its package: there is no {path}",
                hint=f"Install {self.package(spec.kind)} again",
            )
        if spec.open_names:  # the class fetches by itself, or looks in other places
            return spec, Source(reference, None, card)
        raise NotDownloaded(
            f"{reference} is not on this machine yet: it belongs at {path}",
            hint=f"Fetch it: c2l models pull {reference}",
        )

    @cached_property
    def _catalogue(self) -> Catalogue:
        return read_catalogue(self._described)

    # -- explanations

    def _entry(self, spec: KindSpec, shelved: Shelved[ModelCard] | None) -> ModelEntry:
        if shelved is None:
            return entry_of_kind(spec, self._claims[spec.kind][0][1].name)
        return entry_of_card(spec, shelved, self._environ)

    def _listed(self, interface: Interface | None) -> dict[str, KindSpec]:
        """The kinds of an interface; of all of them, with the host's own."""
        own = {spec.kind: spec for spec in self._own_kinds} if interface is None else {}
        return {**self.kinds(interface), **own}

    def _names(self, interface: Interface | None) -> list[str]:
        """The catalogue's names of an interface."""
        kinds = self._listed(interface)
        return [name for name in self._catalogue.models if name.partition(":")[0] in kinds]

    def _spec(self, kind: str, interface: Interface | None) -> KindSpec:
        self._refuse()
        claims = self._claims.get(kind, [])
        if len(claims) > 1:
            raise claimed_twice(kind, claims)
        if claims:
            spec = claims[0][0]
            if interface not in {None, spec.interface}:
                raise UnknownReference(
                    f"{kind} is a kind of {spec.interface}, not of {interface}", hint=LIST_MODELS
                )
            return spec
        if kind == WRAPPED:
            raise not_wrapped_here()
        absent = [d for d in self._described if d.record.state != "available"]
        for description in absent:
            record = description.record
            if kind in {*description.kinds, record.name, record.dist.removeprefix("c2l-")}:
                raise not_loaded(kind, record)
        message = f"no plugin provides a kind {kind!r}"
        if absent:
            names = ", ".join(f"{d.record} is {d.record.state}" for d in absent)
            message += f"; one that did not load may provide it: {names}"
        near = did_you_mean(kind, [*self.kinds(interface), *self._names(interface)])
        raise UnknownReference(message, hint=join(near, LIST_MODELS))

    def _unknown_name(self, reference: str, spec: KindSpec) -> UnknownReference:
        names = [name for name in self._catalogue.models if _is_of(spec.kind, name)]
        file = reference.partition(":")[2]
        all_names = f"List the names: `c2l models list kind={spec.interface}`"
        by_file = f"For a file, write {spec.kind}:./{file}"
        message = f"there is no {spec.interface} {reference}"
        if names_a_file(file):
            return UnknownReference(message, hint=by_file)
        # A missing name may be on a card that could not be read.
        for errors in self._catalogue.problems.values():
            message += "".join(f"; {error.message}" for error in errors)
        return UnknownReference(
            message, hint=join(did_you_mean(reference, names), all_names if names else by_file)
        )


def _a_path(text: str) -> BadReference:
    return BadReference(
        f"{shorten(text)} is a path, not a name in the catalogue",
        hint=f"See what it holds: c2l models inspect {shorten(text)}. {LIST_MODELS}",
    )


def _is_of(kind: str, reference: str) -> bool:
    return reference.startswith(f"{kind}:")


def _natural(text: str) -> list[tuple[int, str]]:
    """A sort key for which ``ViT-B-8`` comes before ``ViT-B-16``."""
    return [
        (int(part), "") if part.isdigit() else (-1, part.lower())
        for part in re.split(r"(\d+)", text)
    ]
