"""Which plugins are installed, from package metadata alone: nothing is imported.

What each of them offers is found out later; see ``c2l_registry.describing``.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import Literal

from c2l_registry.choices import read_choices
from c2l_registry.errors import C2LError, UnknownPlugin
from c2l_registry.requirements import refused_by_metadata

State = Literal["available", "failed", "disabled", "collision", "incompatible"]
DISABLE = "C2L_DISABLE_PLUGINS"
BY_VARIABLE = f"left out by {DISABLE}"
BY_CHOICE = "left out by 'c2l plugins disable'"
LIST_PLUGINS = "See what is installed: c2l plugins list"


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One installed plugin: an entry point of the group ``c2l.plugins``.

    Args:
        name: of the entry point.
        dist, version: of its package.
        state: ``available``; ``failed`` (its import, its hooks, a card file, a missing class),
            ``disabled`` (by ``C2L_DISABLE_PLUGINS``, or in the user's choices), ``collision`` (it
            claims a name that another plugin has), ``incompatible`` (it needs another version of
            c2l).
        summary: the package's one line; once described, the module's.
        error: what is wrong with it, one line. Only a plugin that is ``available``, or has a fault
            in a part of what it offers, can be used.
        module: that the entry point names.
        kinds: what it registered; empty until it is described.
        traceback: of a failed import or hook.
        bundled: it comes with c2l itself: it is trusted, and its names are its own.
        note: what its authors should know although it works, such as a slow import.
        output: what it printed while it was described.
        file, sha256: of a loose file: its path as given, and of what it holds; see
            ``c2l_registry.loose``.
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
    bundled: bool = False
    note: str = ""
    output: str = ""
    file: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name!r} ({f'{self.dist} {self.version}'.strip()})"


def discover(group: str, environ: Mapping[str, str]) -> list[tuple[PluginRecord, EntryPoint]]:
    """Every installed plugin, sorted by name, those that come with the host first.

    Args:
        group: of the entry points, as in ``c2l.plugins``; the host is the package ``c2l``.
    """
    host = group.partition(".")[0]
    points = sorted(
        importlib.metadata.entry_points(group=group),
        key=lambda p: (_dist(p)[0] != host, p.name, _dist(p)[0]),
    )
    disabled = left_out(environ)
    rows = [(_record(point, host), point) for point in points]
    used = [record for record, _ in rows if not _is_disabled(record, disabled)]
    return [(_judged(record, point, used, disabled, host), point) for record, point in rows]


def _record(point: EntryPoint, host: str) -> PluginRecord:
    dist, version, summary = _dist(point)
    record = PluginRecord(point.name, dist, version, "available", summary, module=point.value)
    return replace(record, bundled=dist == host)


def _judged(
    record: PluginRecord,
    point: EntryPoint,
    used: Sequence[PluginRecord],
    disabled: LeftOut,
    host: str,
) -> PluginRecord:
    """The record with its state."""
    if _is_disabled(record, disabled):
        return replace(record, state="disabled", error=disabled.by)
    if record.bundled:
        return record
    same = [other for other in used if other.name == record.name]
    if any(other.bundled for other in same):
        error = (
            f"{record.dist} gives it the name of a plugin of {host} itself, which is used; "
            f"leave this one out: {DISABLE}={record.dist}"
        )
        return replace(record, state="collision", error=error)
    if len(same) > 1:
        both = " and ".join(other.dist for other in same)
        error = (
            f"{both} both provide a plugin of this name; uninstall one of them, or leave one out: "
            f"{DISABLE}={same[-1].dist}"
        )
        return replace(record, state="collision", error=error)
    if clash := _refused(point, host):
        return replace(record, state="incompatible", error=clash)
    return record


def _is_disabled(record: PluginRecord, disabled: LeftOut) -> bool:
    return record.name in disabled.names or (record.dist in disabled.names and not record.bundled)


def variable_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The names in ``C2L_DISABLE_PLUGINS``, separated by commas: of plugins or of packages."""
    return tuple(name.strip() for name in environ.get(DISABLE, "").split(",") if name.strip())


@dataclass(frozen=True)
class LeftOut:
    """Names of plugins and packages to leave out, and who says so."""

    names: tuple[str, ...]
    by: str


def left_out(environ: Mapping[str, str]) -> LeftOut:
    """What ``C2L_DISABLE_PLUGINS`` says; where it is not set, even to nothing, the user's choices.

    A file of choices that cannot be read says nothing here; ``Registry.problems`` tells of it.
    """
    if DISABLE in environ:
        return LeftOut(variable_names(environ), BY_VARIABLE)
    with suppress(C2LError):
        return LeftOut(read_choices(environ).disabled, BY_CHOICE)
    return LeftOut((), BY_CHOICE)


def plugins_called(name: str, records: Sequence[PluginRecord]) -> list[PluginRecord]:
    """The plugin of this name; or all those of the package of this name, if it is no plugin's.

    Raises:
        UnknownPlugin: there is none, or more than one package has a plugin of this name.
    """
    found = [record for record in records if record.name == name]
    if len(found) > 1:
        packages = [record.dist for record in found]
        foreign = [record.dist for record in found if not record.bundled]
        raise UnknownPlugin(
            f"the plugin {name!r} is in {' and in '.join(packages)}",
            hint=f"Name the package: {' or '.join(foreign)}",
        )
    if not found:
        package = canonical(name)
        found = [r for r in records if canonical(r.dist) == package and not r.bundled]
    if not found:
        known = sorted({r.name for r in records} | {r.dist for r in records if not r.bundled})
        near = did_you_mean(name, known)
        hint = f"{near} {LIST_PLUGINS}".strip()
        raise UnknownPlugin(f"no plugin {name!r} is installed", hint=hint)
    return found


def canonical(package: str) -> str:
    """A package's name as all its spellings come out: ``C2L_Foo`` as ``c2l-foo``."""
    return re.sub(r"[-_.]+", "-", package).lower()


def unknown_disabled(
    records: list[PluginRecord], environ: Mapping[str, str]
) -> list[UnknownPlugin]:
    """An error for each name in ``C2L_DISABLE_PLUGINS`` of no installed plugin or package."""
    names = sorted({record.name for record in records})
    packages = sorted({record.dist for record in records if not record.bundled})
    return [
        UnknownPlugin(
            f"{DISABLE} names {name!r}, but no such plugin is installed",
            hint=did_you_mean(name, names) or did_you_mean(name, packages) or LIST_PLUGINS,
        )
        for name in variable_names(environ)
        if name not in names and name not in packages
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


def _dist(point: EntryPoint) -> tuple[str, str, str]:
    if point.dist is None:  # an entry point made by hand, not read from a package
        return "unknown", "", ""
    try:
        metadata = point.dist.metadata
        summary = next(iter(metadata.get_all("Summary") or ()), "")
        return metadata["Name"] or "unknown", point.dist.version or "", summary
    except Exception:  # half a package, such as an interrupted uninstall leaves behind
        return "unknown", "", ""


def _refused(point: EntryPoint, host: str) -> str:
    try:
        requires = (point.dist.requires if point.dist else None) or []
    except Exception:  # half a package, as in ``_dist``
        return ""
    return refused_by_metadata(requires, host)
