"""The catalogue: every card and recipe of the installed plugins, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from c2l_registry.errors import BadCard
from c2l_registry.kinds import Interface, KindSpec
from c2l_registry.weights import cached_path, embedded_path, is_cached

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard, RecipeCard
    from c2l_registry.describing import Description
    from c2l_registry.plugins import PluginRecord

Availability = Literal["built in", "embedded", "cached", "to be fetched", "missing"]
AnyCard = TypeVar("AnyCard")


@dataclass(frozen=True, slots=True)
class Shelved(Generic[AnyCard]):
    """A card, the file it was read from, and the plugin that registered it."""

    card: AnyCard
    toml: Path
    by: PluginRecord

    @property
    def plugin(self) -> str:
        """The name of the plugin."""
        return self.by.name


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A row of ``c2l models list``: a kind itself, or a card of the catalogue.

    Args:
        reference: ``kind:name``; the bare kind for a kind itself.
        state: ``built in`` (code alone), ``embedded`` (in an installed package), ``cached`` (in
            the weights folder), ``to be fetched``, or ``missing`` from its package.
        plugin: the one that offers it.
        path: where its weights are or belong; None if it has no file of its own.
        card: None for a kind itself.
    """

    reference: str
    interface: Interface
    kind: str
    state: Availability
    summary: str
    licence: str
    plugin: str
    path: Path | None
    card: ModelCard | None


@dataclass
class Catalogue:
    """Names to cards. A name that two cards claim is in neither table, but among the problems.

    A name of a bundled card stays that card's: whatever else claims it is the problem.

    Args:
        models, recipes: by reference and by name.
        problems: errors of cards that cannot be used, by ``str`` of the plugin's record.
    """

    models: dict[str, Shelved[ModelCard]] = field(default_factory=dict)
    recipes: dict[str, Shelved[RecipeCard]] = field(default_factory=dict)
    problems: dict[str, list[BadCard]] = field(default_factory=dict)


def read_catalogue(descriptions: Iterable[Description]) -> Catalogue:
    """Read every card file; a broken file affects nothing but its own cards."""
    problems: dict[str, list[BadCard]] = {}
    models: list[tuple[str, Shelved[ModelCard]]] = []
    recipes: list[tuple[str, Shelved[RecipeCard]]] = []
    for description in descriptions:
        plugin = description.record
        for toml in description.cards:
            # pydantic is imported only when there is a card to read.
            from c2l_registry.cards import read_cards

            try:
                some_models, some_recipes = read_cards(toml)
            except BadCard as error:
                problems.setdefault(str(plugin), []).append(error)
                continue
            models += [(m.reference, Shelved(m, toml, plugin)) for m in some_models]
            recipes += [(r.name, Shelved(r, toml, plugin)) for r in some_recipes]
    return Catalogue(
        _unclaimed_twice("model", models, problems),
        _unclaimed_twice("recipe", recipes, problems),
        problems,
    )


def where(shelved: Shelved[ModelCard], environ: Mapping[str, str]) -> Path | None:
    """Where a card's weights are or belong; None for a card that names no file."""
    return embedded_path(shelved.card, shelved.toml) or cached_path(shelved.card, environ)


def entry_of_kind(spec: KindSpec, plugin: str) -> ModelEntry:
    """The row of a kind itself."""
    return ModelEntry(
        reference=spec.kind,
        interface=spec.interface,
        kind=spec.kind,
        state="built in",
        summary=spec.summary,
        licence=spec.licence,
        plugin=plugin,
        path=None,
        card=None,
    )


def entry_of_card(
    spec: KindSpec, shelved: Shelved[ModelCard], environ: Mapping[str, str]
) -> ModelEntry:
    """The row of a card.

    Raises:
        NotReadable: this user may not see whether its weights are there.
    """
    card, path = shelved.card, where(shelved, environ)
    state: Availability
    if card.file:
        state = "embedded" if path and path.exists() else "missing"
    elif path is not None:
        state = "cached" if is_cached(card, environ) else "to be fetched"
    else:  # without a file: weights that the class itself fetches, or none at all
        state = "to be fetched" if spec.open_names else "built in"
    return ModelEntry(
        reference=card.reference,
        interface=spec.interface,
        kind=spec.kind,
        state=state,
        summary=card.summary,
        licence=card.licence,
        plugin=shelved.plugin,
        path=path,
        card=card,
    )


def _unclaimed_twice(
    what: str, rows: list[tuple[str, Shelved[AnyCard]]], problems: dict[str, list[BadCard]]
) -> dict[str, Shelved[AnyCard]]:
    claims: dict[str, list[Shelved[AnyCard]]] = {}
    for name, row in rows:
        claims.setdefault(name, []).append(row)
    unclaimed = {}
    for name, several in claims.items():
        bundled = [row for row in several if row.by.bundled]
        wrong = [row for row in several if row not in bundled] if bundled else several
        if len(bundled or several) == 1:
            unclaimed[name] = (bundled or several)[0]
        if len(several) > 1:
            files = " and ".join(str(row.toml) for row in several)
            used = f"that of {bundled[0].by.dist} itself is used" if bundled else "neither is used"
            error = BadCard(f"the {what} {name} is on two cards, in {files}; {used}")
            for plugin in {str(row.by) for row in wrong}:
                problems.setdefault(plugin, []).append(error)
    return unclaimed
