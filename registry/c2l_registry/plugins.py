"""Which plugins are installed, and what each of them offers.

There are two stages. *Discovery* reads package metadata and imports nothing. *Description* imports
the light module of each plugin and runs its hooks; whatever goes wrong there becomes the state of
that plugin, and affects no other.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.metadata
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Literal

from c2l_registry.errors import UnknownPlugin
from c2l_registry.kinds import KindSpec

State = Literal["available", "failed", "disabled", "collision", "incompatible"]
DISABLE = "C2L_DISABLE_PLUGINS"
LIST_PLUGINS = "See what is installed: c2l plugins list"


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One installed plugin: an entry point of the group ``c2l.plugins``.

    Args:
        name: of the entry point.
        dist, version: of its package.
        state: ``available``; ``failed`` (its import, its hooks or a card file), ``disabled``
            (``C2L_DISABLE_PLUGINS``), ``collision`` (two packages with one plugin name),
            ``incompatible`` (it needs another version of c2l).
        summary: the package's one line; once described, the module's.
        error: why it is not available, one line.
        module: that the entry point names.
        kinds: what it registered; empty until it is described.
        traceback: of a failed import or hook.
    """

    name: str
    dist: str
    version: str
    state: State
    summary: str = ""
    error: str = ""
    module: str = ""
    kinds: tuple[str, ...] = ()
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.name!r} ({self.dist} {self.version})"


@dataclass
class Description:
    """What one plugin registered; to be ignored if ``record.state`` is ``failed``."""

    record: PluginRecord
    kinds: dict[str, KindSpec] = field(default_factory=dict)
    cards: list[Path] = field(default_factory=list)


def discover(group: str, environ: Mapping[str, str]) -> list[tuple[PluginRecord, EntryPoint]]:
    """Every installed plugin, from metadata alone, sorted by name; nothing is imported."""
    points = sorted(
        importlib.metadata.entry_points(group=group), key=lambda p: (p.name, _dist(p)[0])
    )
    copies = Counter(point.name for point in points)
    disabled = disabled_names(environ)
    found = []
    for point in points:
        dist, version, summary = _dist(point)
        record = PluginRecord(point.name, dist, version, "available", summary, module=point.value)
        if point.name in disabled:
            record = replace(record, state="disabled", error=f"left out by {DISABLE}")
        elif copies[point.name] > 1:
            both = " and ".join(_dist(p)[0] for p in points if p.name == point.name)
            record = replace(
                record,
                state="collision",
                error=f"{both} both provide a plugin of this name; uninstall one of them",
            )
        elif clash := _version_clash(point, host=group.partition(".")[0]):
            record = replace(record, state="incompatible", error=clash)
        found.append((record, point))
    return found


def disabled_names(environ: Mapping[str, str]) -> list[str]:
    """The names in ``C2L_DISABLE_PLUGINS``, separated by commas."""
    return [name.strip() for name in environ.get(DISABLE, "").split(",") if name.strip()]


def unknown_disabled(
    records: list[PluginRecord], environ: Mapping[str, str]
) -> list[UnknownPlugin]:
    """An error for each name in ``C2L_DISABLE_PLUGINS`` that no installed plugin has."""
    installed = sorted({record.name for record in records})
    return [
        UnknownPlugin(
            f"{DISABLE} names {name!r}, but no such plugin is installed",
            hint=did_you_mean(name, installed) or LIST_PLUGINS,
        )
        for name in disabled_names(environ)
        if name not in installed
    ]


def did_you_mean(wrong: str, known: list[str]) -> str:
    """``Did you mean stylegan:ffhq-1024?`` with up to three near names; empty if none is near."""
    # Compared in lower case, with and without the kind: those are the likeliest slips.
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.lower(), name)
        folded.setdefault(name.rpartition(":")[2].lower(), name)
    near = difflib.get_close_matches(wrong.lower(), folded, n=3, cutoff=0.6)
    names = dict.fromkeys(folded[name] for name in near)
    return f"Did you mean {' or '.join(names)}?" if names else ""


def describe(record: PluginRecord, point: EntryPoint, hookspecs: ModuleType) -> Description:
    """Import one plugin and run its hooks; if anything fails, nothing is registered."""
    if record.state != "available":
        return Description(record)
    staged = Description(record)
    try:
        # A plugin that prints while it is imported must not mix with the data on stdout.
        with contextlib.redirect_stdout(sys.stderr):
            _run_hooks(point, hookspecs, staged)
    except (Exception, SystemExit) as error:
        failed = replace(
            record, state="failed", error=one_line(error), traceback=traceback.format_exc()
        )
        # The kinds registered so far are kept, to explain why they are missing.
        return Description(failed, staged.kinds)
    return staged


def one_line(error: BaseException) -> str:
    """``ModuleNotFoundError: No module named 'x'``."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _run_hooks(point: EntryPoint, hookspecs: ModuleType, staged: Description) -> None:
    import pluggy

    # One manager for each plugin, so that its hooks cannot see, wrap or break those of another.
    manager = pluggy.PluginManager("c2l")
    manager.add_hookspecs(hookspecs)
    plugin = point.load()
    manager.register(plugin, name=point.name)
    manager.check_pending()
    manager.hook.c2l_register_kinds(register=_kind_registrar(staged))
    manager.hook.c2l_register_cards(register=_card_registrar(staged))
    # The first line of the module says more than that of a package, which plugins may share.
    said = (getattr(plugin, "__doc__", None) or "").strip().partition("\n")[0].replace("``", "")
    staged.record = replace(
        staged.record, kinds=tuple(staged.kinds), summary=said or staged.record.summary
    )


def _kind_registrar(staged: Description) -> Callable[[KindSpec], None]:
    def register(spec: KindSpec) -> None:
        if not isinstance(spec, KindSpec):
            raise TypeError(f"c2l_register_kinds takes a KindSpec, not {type(spec).__name__}")
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


def _dist(point: EntryPoint) -> tuple[str, str, str]:
    if point.dist is None:  # an entry point made by hand, not read from a package
        return "unknown", "", ""
    metadata = point.dist.metadata
    summary = next(iter(metadata.get_all("Summary") or ()), "")
    return metadata["Name"], point.dist.version, summary


def _version_clash(point: EntryPoint, host: str) -> str:
    """Why the plugin's package does not fit the version of the host; empty if it does."""
    wanted = [
        line
        for line in (point.dist.requires if point.dist else None) or []
        if line.partition(";")[0].strip().startswith(host)
    ]
    if not wanted:
        return ""
    try:
        from packaging.requirements import InvalidRequirement, Requirement

        installed = importlib.metadata.version(host)
    except (ImportError, importlib.metadata.PackageNotFoundError):
        return ""
    for line in wanted:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if requirement.name != host or not applies:
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            return f"it needs {host}{requirement.specifier}, but this is {host} {installed}"
    return ""
