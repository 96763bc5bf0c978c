"""What one plugin offers: its module is imported, and its hooks are run, in this process.

Whatever goes wrong becomes the state of that plugin, and affects no other. Bundled plugins are
described like this; for third-party ones a child process does it (``c2l_registry.third_party``).
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Literal

from c2l_registry.kinds import KindSpec
from c2l_registry.loose import classes_in, collecting, import_file, where_in_file
from c2l_registry.module_search import find_module
from c2l_registry.plugins import PluginRecord, State
from c2l_registry.requirements import ATTRIBUTE, WrongVersion, check_wish, wish_in_source

Told = Literal["here", "in a child", "remembered", ""]
"""Where a plugin was asked what it offers; empty if it was not."""


@dataclass
class Description:
    """What one plugin registered; to be ignored unless ``record.state`` is ``available``.

    Args:
        faults: what is wrong with a part of it, while the rest works, by the kind it is of or by
            itself: a class that is not there, a card that cannot be read.
        claims_too_much: it registered kinds of the host's own, which are not in ``kinds``.
        hooks: those of its hooks that were called, in order.
        seconds: that it took.
        told: where it was asked.
    """

    record: PluginRecord
    kinds: dict[str, KindSpec] = field(default_factory=dict)
    cards: list[Path] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    claims_too_much: bool = False
    hooks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    told: Told = ""

    @property
    def row(self) -> PluginRecord:
        """The record as users see it: a fault of a part is a fault of the plugin."""
        if not self.faults or self.record.state != "available":
            return self.record
        state: State = "collision" if self.claims_too_much else "failed"
        return replace(self.record, state=state, error="; ".join(self.faults.values()))


def describe(
    record: PluginRecord,
    point: EntryPoint,
    hookspecs: ModuleType,
    *,
    survive: tuple[type[BaseException], ...] = (Exception, SystemExit),
) -> Description:
    """Import one plugin and run its hooks; if anything fails, nothing is registered.

    Args:
        survive: what becomes the state of the plugin, if it is raised.
    """
    if record.state != "available":
        return Description(record)
    staged = Description(record, told="here")
    start = perf_counter()
    try:
        # A plugin that prints while it is imported must not mix with the data on stdout.
        with contextlib.redirect_stdout(sys.stderr):
            _run_hooks(point, hookspecs, staged)
    except WrongVersion as error:
        staged.record = replace(record, state="incompatible", error=str(error))
        staged.cards.clear()
    except survive as error:
        said = f"{where_in_file(error, record)}{one_line(error)}"
        staged.record = replace(
            record, state="failed", error=said, traceback=traceback.format_exc()
        )
        # The kinds registered so far are kept, to explain why they are missing.
        staged.cards.clear()
    staged.seconds = perf_counter() - start
    return staged


def one_line(error: BaseException) -> str:
    """``ModuleNotFoundError: No module named 'x'``."""
    text = " ".join(str(error).split())
    if len(text) > _MOST_SAID:
        text = f"{text[:_MOST_SAID]} …"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


_MOST_SAID = 300
"""Characters of an error; the rest stands in its traceback."""


def _run_hooks(point: EntryPoint, hookspecs: ModuleType, staged: Description) -> None:
    import pluggy

    # One manager for each plugin, so that its hooks cannot see, wrap or break those of another.
    manager = pluggy.PluginManager("c2l")
    manager.add_hookspecs(hookspecs)
    host = point.group.partition(".")[0]
    file = staged.record.file
    if not staged.record.bundled:
        spec = find_module(point.module)
        check_wish(wish_in_source(file or (spec.origin if spec else None)), host)
    with collecting() as given:
        plugin = import_file(staged.record) if file else point.load()
    check_wish(getattr(plugin, ATTRIBUTE, None), host)
    manager.register(plugin, name=point.name)
    manager.check_pending()
    if not file and not manager.get_hookcallers(plugin):
        raise TypeError(f"{point.value} implements no hook; mark one with @c2l.hookimpl")
    if file:
        staged.kinds |= {spec.kind: spec for spec in given}
    implemented = {caller.name for caller in manager.get_hookcallers(plugin) or ()}
    for name, registrar in _REGISTRARS.items():
        if name in implemented:
            staged.hooks.append(name)
            getattr(manager.hook, name)(register=registrar(staged))
    if file:
        _register_classes(plugin, hookspecs, staged)
    # The first line of the module says more than that of a package, which plugins may share.
    said = (getattr(plugin, "__doc__", None) or "").strip().partition("\n")[0].replace("``", "")
    staged.record = replace(
        staged.record, kinds=tuple(staged.kinds), summary=said or staged.record.summary
    )


def _register_classes(module: ModuleType, hookspecs: ModuleType, staged: Description) -> None:
    """Register the classes of a loose file that it has not registered itself."""
    named = {spec.factory for spec in staged.kinds.values()}
    for spec in classes_in(module, hookspecs.INTERFACES):
        if spec.factory not in named:
            _kind_registrar(staged)(spec)
    if not staged.kinds and not staged.cards:
        raise TypeError("it has no class of a generator, an embedder or a prior, and no hook")


def _kind_registrar(staged: Description) -> Callable[[KindSpec], None]:
    def register(spec: KindSpec) -> None:
        if not isinstance(spec, KindSpec):
            raise TypeError(f"c2l_register_kinds takes a KindSpec, not {type(spec).__name__}")
        if spec.interface == "direction":
            raise ValueError("directions are of one kind, c2l's own: give a card direction:NAME")
        if spec.kind in staged.kinds:
            raise ValueError(f"the kind {spec.kind!r} is registered twice")
        staged.kinds[spec.kind] = spec

    return register


def _card_registrar(staged: Description) -> Callable[[Path], None]:
    def register(path: Path) -> None:
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(f"the card file {path} does not exist")
        staged.cards.extend(sorted(path.glob("*.toml")) if path.is_dir() else [path])

    return register


_REGISTRARS: dict[str, Callable[[Description], Callable[..., None]]] = {
    "c2l_register_kinds": _kind_registrar,
    "c2l_register_cards": _card_registrar,
}
