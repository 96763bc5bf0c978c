"""Python, c2l and the packages it needs, from their metadata: nothing is imported."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from c2l.service.health.findings import Health
from c2l.version import __version__


def look_at_python(health: Health) -> None:
    """Python, the platform, and whether c2l is installed as it runs."""
    own = "" if sys.prefix == sys.base_prefix else ", in an environment of its own"
    facts = health.facts
    facts["c2l"] = f"{__version__}, in {Path(__file__).parents[2]}"
    facts["python"] = f"{platform.python_version()} ({platform.python_implementation()}{own})"
    facts["platform"] = platform.platform()
    try:
        installed = importlib.metadata.metadata("c2l")
    except importlib.metadata.PackageNotFoundError:
        health.tell(
            "c2l runs from a folder, and is not installed: no plugin can be found",
            "Install it: pip install c2l",
        )
        return
    if installed["Version"] != __version__:
        health.tell(
            f"c2l {__version__} runs, but {installed['Version']} is installed",
            "Install it again where it runs from",
        )
    wanted = next(iter(installed.get_all("Requires-Python") or ()), "")
    if not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        version = platform.python_version()
        health.tell(f"this is Python {version}, but c2l needs {wanted}", "Use such a Python")


def look_at_dependencies(health: Health) -> None:
    """What c2l needs, against the versions that it needs; and which extras are here."""
    if not _version("c2l"):  # told above
        return
    required = [Requirement(line) for line in importlib.metadata.requires("c2l") or ()]
    lines = []
    for requirement in _of(required, ""):
        version = _version(requirement.name)
        lines.append(f"{requirement.name} {version or 'missing'} ({requirement.specifier})")
        wanted = f'pip install "{requirement.name}{requirement.specifier}"'
        if not version:
            health.tell(f"{requirement.name} is not installed", f"Install it: {wanted}")
        elif not requirement.specifier.contains(version, prereleases=True):
            needs = f"{requirement.name}{requirement.specifier}"
            problem = f"{requirement.name} {version} is installed, but c2l needs {needs}"
            health.tell(problem, f"Install another version: {wanted}")
    health.facts["dependencies"] = lines
    extras = importlib.metadata.metadata("c2l").get_all("Provides-Extra") or []
    health.facts["extras"] = [_extra(name, _of(required, name)) for name in extras]


def _extra(name: str, required: list[Requirement]) -> str:
    absent = [requirement.name for requirement in required if not _is_here(requirement)]
    return f"{name}: without {', '.join(absent)}" if absent else f"{name}: here"


def _is_here(requirement: Requirement) -> bool:
    version = _version(requirement.name)
    return bool(version) and requirement.specifier.contains(version, prereleases=True)


def _of(required: list[Requirement], extra: str) -> list[Requirement]:
    """The requirements that an extra adds; without one, those that are always needed."""
    return [r for r in required if _applies(r, extra) and not (extra and _applies(r, ""))]


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""
