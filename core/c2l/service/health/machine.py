"""torch, the folder for weights, the network's switches, variables and the terminal."""

from __future__ import annotations

import json
import locale
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from c2l.service.health.findings import Health
from c2l_registry.paths import ANOTHER_HOME
from c2l_registry.plugins import did_you_mean
from c2l_registry.switches import HUB_OFFLINE, is_hub_offline, is_offline
from c2l_registry.weights import home_folder

VARIABLES = (
    "C2L_DEBUG",
    "C2L_DISABLE_PLUGINS",
    "C2L_HOME",
    "C2L_OFFLINE",
    "C2L_PLUGINS",
    "C2L_PLUGINS_STRICT",
    "C2L_RANK_TIMEOUT",
    "C2L_TOKEN",
)
"""All that c2l reads; any other that begins with C2L_ is a slip."""

ROOM = 1_000_000_000
"""Bytes to be free where weights go; a generator and an embedder take about as much."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_OTHERS = ("CUDA_VISIBLE_DEVICES", "HF_HOME", HUB_OFFLINE, "OMP_NUM_THREADS", "PYTHONPATH")
_SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD")
_PATIENCE = 120


def look_at_torch(health: Health) -> None:
    """The version of torch, and what it finds on this machine."""
    command = [sys.executable, "-P", "-m", "c2l.service.health.torch_child"]
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    env = {**os.environ, "PYTHONPATH": paths}
    hint = "Install torch again, in the variant for this machine: https://pytorch.org"
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE
        )
        facts = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        health.tell(f"torch is not imported within {_PATIENCE} s", hint)
        return
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1] if said else f"it ends the process, with exit code {done.returncode}"
        health.tell(f"torch cannot be imported: {reason}", hint)
        return
    gpus = [f"GPUs: {', '.join(facts['gpus'])}"] if facts["gpus"] else []
    health.facts["torch"] = "; ".join(
        [
            facts["version"],
            f"device {facts['device']}",
            *gpus,
            f"{facts['threads']} thread{'s' * (facts['threads'] != 1)}",
            f"computes in {', '.join(facts['precisions'])}",
        ]
    )


def look_at_home(health: Health, environ: Mapping[str, str]) -> None:
    """The folder for weights: whether it can be written, and how full the disk is."""
    folder = home_folder(environ)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            writable = True
    except OSError as error:
        writable = False
        health.tell(f"{folder} cannot be written: {error.strerror}", ANOTHER_HOME)
    free = shutil.disk_usage(there).free
    if free < ROOM:
        health.tell(
            f"{_readable(free)} are free for weights in {folder}",
            "Make room, or set C2L_HOME to a folder on another disk",
        )
    words = [str(folder), f"{_readable(_size(folder))} in it, {_readable(free)} free"]
    if not writable:
        words.append("not writable")
    health.facts["weights"] = "; ".join(words)


def look_at_network(health: Health, environ: Mapping[str, str]) -> None:
    """What is switched off. The network itself is not asked."""
    proxies = [name for name in _PROXIES if environ.get(name) or environ.get(name.lower())]
    words = ["used where weights are fetched"]
    if is_offline(environ):
        words = ["off, by C2L_OFFLINE"]
    elif is_hub_offline(environ):
        words = [f"Hugging Face is off, by {HUB_OFFLINE}"]
    if proxies:
        words.append(f"through {', '.join(proxies)}")
    health.facts["network"] = "; ".join(words)


def look_at_environment(health: Health, environ: Mapping[str, str]) -> None:
    """Variables that c2l and its libraries read."""
    ours = sorted(name for name in environ if name.startswith("C2L_"))
    for name in ours:
        if name not in VARIABLES:
            near = did_you_mean(name, list(VARIABLES))
            health.tell(f"c2l knows no variable {name}", near or "Take it out of the environment")
    shown = {name: environ[name] for name in (*ours, *_OTHERS) if name in environ}
    health.facts["variables"] = [
        f"{name}={'(hidden)' if any(word in name for word in _SECRET) else value}"
        for name, value in shown.items()
    ]


def look_at_terminal(health: Health) -> None:
    """How text reaches the user."""
    encoding = getattr(sys.stdout, "encoding", None) or locale.getpreferredencoding(False)
    try:
        "é…─".encode(encoding)
    except (UnicodeError, LookupError):
        health.tell(
            f"output is in {encoding}, which lacks letters that names and prompts have",
            "Set PYTHONUTF8=1",
        )
    kind = f"{shutil.get_terminal_size().columns} columns" if sys.stdout.isatty() else "no terminal"
    language = ".".join(part for part in locale.getlocale() if part) or "C"
    health.facts["terminal"] = f"{encoding}; {kind}; locale {language}"


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue  # removed meanwhile
    return total


def _readable(num: int) -> str:
    size = float(num)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.0f} TB" if size >= 1000 else f"{size:.3g} TB"
