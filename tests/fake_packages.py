"""Installed packages in miniature: a module, its metadata and its entry points, in one folder.

Put the folder on ``sys.path`` or ``PYTHONPATH`` and ``importlib.metadata`` finds them all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent


def install(
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
        plugins: entry-point name to module source; the module is named after dist and plugin.
        requires: its ``Requires-Dist`` lines.
        files: further files beside the modules.
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


def module(*kinds: str, interface: str = "generator", cards: str = "", extra: str = "") -> str:
    """The source of a plugin that registers kinds, and one card file beside it if named."""
    lines = ["import pathlib", "import c2l", "@c2l.hookimpl", "def c2l_register_kinds(register):"]
    for kind in kinds:
        spec = f"kind={kind!r}, interface={interface!r}, factory='fractions:Fraction'"
        lines.append(f"    register(c2l.KindSpec({spec}, summary='The kind {kind}' {extra}))")
    lines.append("    return None")
    if cards:
        lines += [
            "@c2l.hookimpl",
            "def c2l_register_cards(register):",
            f"    register(pathlib.Path(__file__).parent / {cards!r})",
        ]
    return "\n".join(lines) + "\n"
