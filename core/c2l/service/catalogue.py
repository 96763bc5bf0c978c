"""Lists of plugins, models and recipes, as plain rows. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from c2l.errors import C2LError
from c2l.kept_directions import (
    KIND,
    facts_of,
    is_kept,
    kept_directions,
    name_in,
    show_direction,
)
from c2l.plugins import registry
from c2l.service.families import chosen_models, with_families
from c2l_registry import Interface

if TYPE_CHECKING:
    from c2l_registry import ModelEntry, PluginRecord

INTERFACES: tuple[Interface, ...] = get_args(Interface)


@dataclass(frozen=True)
class PluginRow:
    """An installed plugin, and whether it works."""

    name: str
    dist: str
    version: str
    state: str
    summary: str
    error: str
    note: str
    kinds: tuple[str, ...]

    @property
    def package(self) -> str:
        """The distribution and its version."""
        return f"{self.dist} {self.version}"

    @property
    def remark(self) -> str:
        """Why it failed, or else its summary; and what its authors should know."""
        said = self.error or self.summary
        return f"{said} ({self.note})" if self.note else said


@dataclass(frozen=True)
class ModelRow:
    """A kind, or a model of one.

    Args:
        family, domain, detail: what its summary says; see ``c2l.service.families``.
    """

    reference: str
    interface: str
    kind: str
    state: str
    summary: str
    licence: str
    plugin: str
    resolution: int | None
    size: int | None
    family: str = ""
    domain: str = ""
    detail: str = field(default="", repr=False)


@dataclass(frozen=True)
class RecipeRow:
    """A recipe: three parts that fit each other, with settings and prompts to try."""

    name: str
    generator: str
    summary: str
    fields: dict[str, Any]


def problems(*, cards: bool = True) -> list[str]:
    """Problems of the installed plugins and their cards, one line each.

    Args:
        cards: also read the card files, which takes most of the time.
    """
    return [str(problem) for problem in registry().problems(cards=cards)]


def plugin_problems(*, cards: bool = False) -> list[str]:
    """``problems``, and what the user named and cannot be used: plugins to leave out, files."""
    unusable = (*registry().unknown_disabled(), *registry().unusable_files())
    return [*problems(cards=cards), *map(str, unusable)]


def refuse_broken_plugins() -> None:
    """Stop if ``C2L_PLUGINS_STRICT`` is set and a plugin cannot be used. Raises ``PluginFailed``.

    Without it nothing is looked at.
    """
    registry().refuse_broken()


def list_plugins() -> list[PluginRow]:
    """The installed plugins."""
    return [plugin_row(record) for record in registry().describe()]


def show_plugin(name: str) -> dict[str, Any]:
    """One plugin: its row, its module, the models it brings, and the traceback if it failed.

    Raises:
        UnknownPlugin: it is not installed.
    """
    record = registry().plugin(name)
    models: list[ModelEntry] = []
    with suppress(C2LError):  # what bars the way to all models is told elsewhere
        models = registry().models()
    return {
        **asdict(plugin_row(record)),
        "module": record.module,
        "models": [e.reference for e in models if e.plugin == name and e.card],
        "printed": record.output,
        "traceback": record.traceback,
    }


def list_models(
    interface: Interface | None = None,
    *,
    family: str | None = None,
    search: str | None = None,
    here: bool = False,
) -> list[ModelRow]:
    """All kinds, and the models of each; then the directions that are kept here.

    Args:
        interface, family, search, here: only one kind of part, a family or a part of its name, what
            holds all words of a text, what is on this machine.
    Raises:
        BadInput: there is no such family.
    """
    models = registry().models(interface)
    directions = kept_directions() if interface in (None, KIND) else ()
    rows = with_families([*map(_model_row, models), *map(_direction_row, directions)])
    return chosen_models(rows, family=family, search=search, here=here)


def show_model(reference: str) -> dict[str, Any]:
    """A model: its row, its card, and the path of its weights; or a direction.

    Raises:
        UnknownReference, BadReference, PluginFailed
    """
    name = name_in(reference)
    if name is not None and (is_kept(name) or reference not in registry().cards(KIND)):
        return show_direction(name)
    entry = registry().entry(reference)
    if entry.card and entry.state == "to be fetched" and entry.path is None:
        from c2l.fetching import find_missing

        with suppress(C2LError):  # only its class knows, and importing that takes longer
            if not find_missing([reference]):
                entry = replace(entry, state="cached")
    card = entry.card.model_dump(mode="json", exclude={"reference", "file"}) if entry.card else {}
    own = facts_of(entry.path) if entry.interface == KIND and entry.path else {}
    path = str(entry.path) if entry.path else None
    return {**asdict(_model_row(entry)), **card, **own, "path": path}


def list_recipes() -> list[RecipeRow]:
    """All recipes."""
    return [
        RecipeRow(name, recipe.generator, recipe.summary, recipe.model_dump(mode="json"))
        for name, recipe in registry().recipes().items()
    ]


def show_recipe(name: str) -> dict[str, Any]:
    """A recipe: its parts, settings and prompts to try. Raises ``UnknownReference``."""
    return registry().recipe(name).model_dump(mode="json")


def parts_of_recipe(name: str) -> list[str]:
    """The references of a recipe's three parts. Raises ``UnknownReference``."""
    recipe = registry().recipe(name)
    return [recipe.generator, recipe.embedder, recipe.prior]


def recipes_here() -> list[str]:
    """The names of the recipes whose weights are on this machine: they load without a network."""
    from c2l.fetching import find_missing

    names = []
    for name in registry().recipes():
        with suppress(C2LError):  # what is wrong with a part is told when it is asked for
            if not find_missing(parts_of_recipe(name)):
                names.append(name)
    return names


def plugin_row(record: PluginRecord) -> PluginRow:
    """A plugin's record as a row."""
    return PluginRow(
        name=record.name,
        dist=record.dist,
        version=record.version,
        state=record.state,
        summary=record.summary,
        error=record.error,
        note=record.note,
        kinds=tuple(record.kinds),
    )


def _model_row(entry: ModelEntry) -> ModelRow:
    return ModelRow(
        reference=entry.reference,
        interface=entry.interface,
        kind=entry.kind,
        state=entry.state,
        summary=entry.summary,
        licence=entry.licence,
        plugin=entry.plugin,
        resolution=entry.card.resolution if entry.card else None,
        size=entry.card.size if entry.card else None,
    )


def _direction_row(kept: Mapping[str, Any]) -> ModelRow:
    generator = (kept["card"].get("generator") or {}).get("reference") or "another generator"
    return ModelRow(
        reference=f"{KIND}:{kept['name']}",
        interface=KIND,
        kind=KIND,
        state="cached",
        summary=f"{kept['card'].get('name', '')}, for {generator}",
        licence="",
        plugin="",
        resolution=None,
        size=kept["size"],
    )
