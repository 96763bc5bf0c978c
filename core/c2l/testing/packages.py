"""Installed packages in miniature: modules, metadata and entry points in one folder.

Put the folder on ``sys.path`` with ``on_path``, or on ``PYTHONPATH`` for a child process, and
``importlib.metadata`` finds the packages in it as if pip had installed them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent


def install_package(
    folder: Path,
    dist: str,
    plugins: Mapping[str, str],
    *,
    group: str = "c2l.plugins",
    version: str = "1.0",
    requires: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
) -> None:
    """Write one package.

    Args:
        folder: shared by all packages of a test.
        dist: the package's name.
        plugins: the source of each plugin's module, by the name of its entry point. The module
            is called after package and plugin, as in ``mygan_faces``.
        group: of the entry points.
        requires: its ``Requires-Dist`` lines.
        files: further files beside the modules, as text by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = folder / f"{dist.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {dist}", f"Version: {version}"]
    lines += [f"Summary: The package {dist}", *(f"Requires-Dist: {line}" for line in requires)]
    (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    points = [f"[{group}]"]
    for name, source in plugins.items():
        module = f"{dist}_{name}".replace("-", "_")
        points.append(f"{name} = {module}")
        (folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
    (info / "entry_points.txt").write_text("\n".join(points) + "\n", encoding="utf-8")
    for name, text in (files or {}).items():
        (folder / name).write_text(dedent(text), encoding="utf-8")


@contextmanager
def on_path(folder: Path) -> Iterator[Path]:
    """Put a folder of packages on ``sys.path``; afterwards forget what was imported from it."""
    sys.path.insert(0, str(folder))
    before = set(sys.modules)
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]


def plugin_source(
    *kinds: str, interface: str = "generator", cards: str = "", arguments: str = ""
) -> str:
    """The source of a plugin's module.

    Args:
        kinds: what it registers. Each one's class is a stand-in: it can be listed, not loaded.
        interface: of all of them.
        cards: the name of a file beside the module whose cards it registers; empty for none.
        arguments: more arguments of every ``KindSpec``, as source: ``"licence='MIT'"``.
    """
    lines = ["import pathlib", "import c2l", "@c2l.hookimpl", "def c2l_register_kinds(register):"]
    for kind in kinds:
        spec = f"kind={kind!r}, interface={interface!r}, factory='fractions:Fraction'"
        lines.append(f"    register(c2l.KindSpec({spec}, summary='The kind {kind}', {arguments}))")
    lines.append("    return None")
    if cards:
        lines += [
            "@c2l.hookimpl",
            "def c2l_register_cards(register):",
            f"    register(pathlib.Path(__file__).parent / {cards!r})",
        ]
    return "\n".join(lines) + "\n"
