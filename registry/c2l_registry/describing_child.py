"""The child process that describes one plugin: ``python -P -m c2l_registry.describing_child``.

The question, a JSON object, comes on stdin; the answer goes to stdout, alone: whatever else is
printed, by the plugin or by a library, goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import asdict
from importlib.metadata import EntryPoint

from c2l_registry.catalogue import read_catalogue
from c2l_registry.describing import Description, describe
from c2l_registry.description_cache import Answer
from c2l_registry.module_search import find_module, lacks, missing_module
from c2l_registry.plugins import PluginRecord, discover

HEAVY = ("torch", "tensorflow", "jax", "transformers", "diffusers", "open_clip", "scipy", "pandas")
"""Imports that a description has no need of."""


def main() -> None:
    """Answer one question, and end at once, whatever threads the plugin has started."""
    channel = os.dup(1)
    os.dup2(2, 1)
    question = json.load(sys.stdin)
    answer = answer_of(PluginRecord(**question["record"]), question["hookspecs"], question["group"])
    with os.fdopen(channel, "w", encoding="utf-8") as out:
        json.dump(answer, out)
    sys.stderr.flush()
    os._exit(0)


def answer_of(record: PluginRecord, hookspecs: str, group: str) -> Answer:
    """Describe a plugin, and look for what it promises."""
    import pluggy  # noqa: F401  # not counted as the plugin's time

    specs = importlib.import_module(hookspecs)
    point = EntryPoint(record.name, record.module, group)
    before = set(sys.modules)
    description = describe(record, point, specs, survive=(BaseException,))
    new = set(sys.modules) - before
    works = description.record.state == "available"
    faults, missing = _absent_classes(description) if works else ({}, [])
    if works and description.cards:
        bundled = [describe(r, p, specs) for r, p in discover(group, {}) if r.bundled]
        problems = read_catalogue([*bundled, description]).problems
        faults |= {e.message: e.message for e in problems.get(str(record), ())}
    absent = missing_module(description.record.error)
    return {
        "state": description.record.state,
        "error": description.record.error,
        "traceback": description.record.traceback,
        "summary": description.record.summary,
        "kinds": [asdict(spec) for spec in description.kinds.values()],
        "cards": [str(path) for path in description.cards],
        "faults": faults,
        "seconds": round(description.seconds, 3),
        "hooks": description.hooks,
        "heavy": [name for name in HEAVY if name in new],
        "rests_on": _files(record.module, new, description),
        "missing": [*missing, *([absent] if absent else [])],
    }


def _absent_classes(description: Description) -> tuple[dict[str, str], list[str]]:
    """What is wrong by kind where its class is not there; and the modules that would hold them.

    No class is imported. A kind that says what to install for it may be without its own.
    """
    faults: dict[str, str] = {}
    missing: list[str] = []
    for spec in description.kinds.values():
        module, _, name = spec.factory.partition(":")
        loaded, found = sys.modules.get(module), find_module(module)
        absent = f"the class of {spec.kind} is missing: "
        if loaded is None and found is None:
            missing.append(module)
            if not spec.requires:
                faults[spec.kind] = f"{absent}no module {module!r}"
        elif not hasattr(loaded, name) if loaded else found and lacks(found, name):
            faults[spec.kind] = f"{absent}{module} has no {name!r}"
    return faults, missing


def _files(module: str, new: set[str], description: Description) -> list[str]:
    """What the answer rests on: the plugin's modules, those of its classes, and its cards."""
    top = module.partition(":")[0].partition(".")[0]
    own = {name for name in new if name.partition(".")[0] == top}
    files = {getattr(sys.modules[name], "__file__", None) for name in own}
    # Modules that failed are in no table, and those of the classes were not imported.
    named = [module, *(spec.factory for spec in description.kinds.values())]
    specs = [find_module(name.partition(":")[0]) for name in named]
    files |= {spec.origin for spec in specs if spec and spec.has_location}
    cards = {str(place) for path in description.cards for place in (path, path.parent)}
    return sorted(cards | {file for file in files if file})


if __name__ == "__main__":
    main()
