"""Describes one plugin in a fresh process, and watches: ``python -m c2l.conformance.describing``.

Every command of everybody who has the plugin installed pays for what it does here.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint
from typing import Any

from c2l_registry.describing import describe
from c2l_registry.describing_child import HEAVY
from c2l_registry.plugins import PluginRecord

_HOOKSPECS, _GROUP = "c2l.hookspecs", "c2l.plugins"
_DEEDS = {
    "os.mkdir": "makes a folder",
    "os.remove": "removes a file",
    "os.rename": "moves a file",
    "os.rmdir": "removes a folder",
    "os.putenv": "sets an environment variable",
    "os.unsetenv": "unsets an environment variable",
    "os.chdir": "changes the folder",
    "os.system": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.fork": "starts a process",
    "subprocess.Popen": "starts a process",
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "asks the network for an address",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Described:
    """What describing a plugin took.

    Args:
        seconds: of this process's CPU, whatever else the machine is doing.
        heavy: large libraries that were imported.
        deeds: what it did to the world, in words.
    """

    seconds: float
    heavy: tuple[str, ...]
    deeds: tuple[str, ...]


def describe_apart(plugin: PluginRecord) -> Described:
    """Describe a plugin in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "c2l.conformance.describing"],
        input=json.dumps(asdict(plugin)),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    raw = json.loads(done.stdout)
    return Described(raw["seconds"], tuple(raw["heavy"]), tuple(raw["deeds"]))


def _main() -> None:
    channel = os.dup(1)
    os.dup2(2, 1)
    import pluggy  # noqa: F401  # not the plugin's

    record = PluginRecord(**json.load(sys.stdin))
    specs = importlib.import_module(_HOOKSPECS)
    point = EntryPoint(record.name, record.module, _GROUP)
    deeds: list[str] = []
    before, state = set(sys.modules), random.getstate()
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and (deed := _deed(event, arguments)) and deed not in deeds:
            deeds.append(deed)

    sys.addaudithook(watch)
    start = time.process_time()
    describe(record, point, specs)
    seconds = time.process_time() - start
    watching = False
    if random.getstate() != state:
        deeds.append("changes Python's global random state")
    new = set(sys.modules) - before
    heavy = [name for name in HEAVY if name in new]
    with os.fdopen(channel, "w", encoding="utf-8") as out:
        json.dump(asdict(Described(seconds, tuple(heavy), tuple(deeds))), out)
    sys.stderr.flush()
    os._exit(0)  # whatever threads it has started


def _deed(event: str, arguments: tuple[Any, ...]) -> str:
    """What an audit event does to the world; empty for what only looks."""
    if event == "open":
        path, _, flags = arguments
        # Python itself keeps the code of modules that it compiles.
        writes = isinstance(flags, int) and flags & _WRITES and "__pycache__" not in str(path)
        return f"writes {path}" if writes else ""
    if event in _DEEDS and "__pycache__" not in str(arguments[:1]):
        return _DEEDS[event]
    return ""


if __name__ == "__main__":
    _main()
