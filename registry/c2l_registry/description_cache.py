"""Descriptions of third-party plugins, cached until one of their files changes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, PackageNotFoundError, version
from pathlib import Path
from typing import Any

from c2l_registry.errors import C2LError
from c2l_registry.files import write_atomically
from c2l_registry.module_search import find_module
from c2l_registry.paths import expand_path
from c2l_registry.plugins import PluginRecord
from c2l_registry.weights import home_folder

Row = tuple[PluginRecord, EntryPoint]
Answer = dict[str, Any]
"""What the child says of one plugin, JSON-able; see ``c2l_registry.describing_child``."""

SCHEMA = 2


class Memory:
    """Answers on disk, in the folder for everything that c2l keeps.

    An answer is that of a distribution, its version, its place and this version of c2l and Python.
    It holds while the plugin's modules and cards have the times and sizes they had. One that tells
    of a fault holds only until something is installed, since that may have been what was missing.

    Where the folder cannot be read or written, nothing is remembered.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._path: Path | None = None
        self._known: dict[str, Any] = {}
        with suppress(C2LError, OSError, ValueError):
            self._path = home_folder(environ) / "plugins" / "described.json"
            known = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(known, dict) and known.pop("schema", None) == SCHEMA:
                self._known = known

    def recall(self, row: Row) -> Answer | None:
        """What a plugin said, if that still holds."""
        kept = self._known.get(_key(row))
        if kept is None:
            return None
        answer: Answer = kept["answer"]
        if kept["stamps"] != _stamps(answer) or any(map(find_module, answer["missing"])):
            return None
        return answer

    def keep(self, answers: Mapping[Row, Answer]) -> None:
        """Keep answers, and forget those of packages that are no longer where they were."""
        if not answers or self._path is None:
            return
        known = {key: kept for key, kept in self._known.items() if os.path.exists(kept["place"])}
        for row, answer in answers.items():
            stamps = _stamps(answer)
            known[_key(row)] = {"place": _place(row), "stamps": stamps, "answer": answer}
        with suppress(C2LError, OSError):
            text = json.dumps({"schema": SCHEMA, **known}, indent=1)
            write_atomically(self._path, text.encode())


def _key(row: Row) -> str:
    record, point = row
    package = f"{record.dist} {record.version}"
    return "\n".join([_host(), sys.version, _place(row), package, str(point)])


def _host() -> str:
    with suppress(PackageNotFoundError):
        return version("c2l")
    return ""


def _place(row: Row) -> str:
    record, point = row
    if record.file:
        return str(expand_path(record.file).absolute())
    return str(point.dist.locate_file("")) if point.dist else ""


def _stamps(answer: Answer) -> dict[str, list[int]]:
    """Times and sizes of what an answer rests on."""
    paths = list(answer["rests_on"])
    if answer["state"] == "failed" or answer.get("faults") or answer["missing"]:
        paths += [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    stamps = {}
    for path in paths:
        with suppress(OSError):
            stat = os.stat(path)
            stamps[path] = [stat.st_mtime_ns, stat.st_size]
    return stamps
