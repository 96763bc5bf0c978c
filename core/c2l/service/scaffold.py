"""A new plugin package, from templates: it works as it is, and waits for the author's network.

The templates are files in ``templates/``: ``shared`` for every package, and a folder for each
interface. A path in there is the path in the package, but for three things: ``MODULE`` is the name
of the module, ``dot-`` at the beginning of a name is a dot, and ``.template`` at its end is left
out. In texts ``$name`` and its like are filled in.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from c2l.errors import BadInput
from c2l.plugins import registry
from c2l.version import __version__
from c2l_registry import Interface
from c2l_registry.paths import cannot_write, expand_path

TEMPLATES = Path(__file__).parent / "templates"
NEXT = "next.txt"
"""In the folder of an interface: the commands to go on with, which are not written."""

PREFIX = "c2l-"
"""Of packages, by custom, so that they are found; a plugin's own name goes without it."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 26
"""With longer ones, lines of the templates would be longer than 100 characters."""

_EXAMPLES: Mapping[Interface, str] = {
    "generator": "my-gan",
    "embedder": "my-clip",
    "prior": "my-prior",
}


@dataclass(frozen=True)
class NewPackage:
    """A package that was written.

    Args:
        name: of the plugin and of its kind.
        folder: of the package.
        files: in it, with forward slashes.
        commands: what to type next, in a shell.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    commands: tuple[str, ...]


def new_package(interface: Interface, name: str, out: Path | None = None) -> NewPackage:
    """Write a plugin package that passes its own tests.

    Args:
        interface: what the plugin provides.
        name: of the plugin and of its kind: small letters, digits and '-'.
        out: the folder of the package, ``c2l-NAME`` in the current one by default; it must not be
            there yet.
    Raises:
        BadInput: the name cannot be used, or something is at ``out``.
        BadPath: ``out`` cannot be a path.
        NotWritable: the folder cannot be written; nothing is left of it.
    """
    _check_name(name, interface)
    package = PREFIX + name
    folder = expand_path(str(out)) if out is not None else Path(package)
    if os.path.lexists(folder):
        raise BadInput(
            f"{folder} already exists", hint="Choose another folder with `out`", field="out"
        )
    major, minor = __version__.split(".")[:2]
    words = {
        "name": name,
        "package": package,
        "module": package.replace("-", "_"),
        "interface": interface,
        "class_name": _class_name(name, interface),
        "example": "./file" if interface == "prior" else "demo",
        "summary": f"The {interface} {name}",
        "range": f">={major}.{minor},<{int(major) + 1}",
        "folder": shlex.quote(str(folder) if folder.is_absolute() else f"./{folder.as_posix()}"),
    }
    contents = dict(_rendered(interface, words))
    commands = contents.pop(NEXT).decode("utf-8").splitlines()
    _write(folder, contents)
    return NewPackage(name, str(folder), tuple(sorted(contents)), tuple(commands))


def _check_name(name: str, interface: Interface) -> None:
    """Raises ``BadInput`` unless a plugin may be called so."""
    if not _NAME.fullmatch(name) or not 2 <= len(name) <= _LONGEST or name.startswith(PREFIX):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789").removeprefix(PREFIX)
        fits = _NAME.fullmatch(near) and 2 <= len(near) <= _LONGEST
        raise BadInput(
            f"{name!r} is not the name of a plugin: 2 to {_LONGEST} of a-z, 0-9 and single '-', "
            f"a letter first, without {PREFIX!r}, which its package gets",
            hint=f"Use a name like {near if fits else _EXAMPLES[interface]}",
            field="name",
        )
    if taken := _owner(name):
        raise BadInput(
            f"the name {name} is taken: {taken}",
            hint=f"Choose another one, as in {_EXAMPLES[interface]}-2",
            field="name",
        )


def _owner(name: str) -> str:
    """Who has the name of a kind, a plugin, a package or a module already; empty if nobody."""
    package = PREFIX + name
    kinds = registry().kinds()
    if name in kinds:
        return f"{registry().package(name)} provides {kinds[name].interface}s of this kind"
    for record in registry().plugins():
        if name == record.name or package == record.dist.lower().replace("_", "-"):
            return f"{record.dist} {record.version} is installed here"
    module = package.replace("-", "_")
    found = importlib.util.find_spec(module)
    return f"there is a module {module} here" if found and found.loader else ""


def _class_name(name: str, interface: Interface) -> str:
    """``MyGanGenerator``: its last word keeps it from being a word of Python or of torch."""
    words = [word for word in name.split("-") if word != interface]
    return "".join(word.capitalize() for word in [*words, interface])


def _rendered(interface: Interface, words: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Every file of the package by its path, and ``NEXT``."""
    for root in (TEMPLATES / "shared", TEMPLATES / interface):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            parts = path.relative_to(root).as_posix().split("/")
            parts = [words["module"] if part == "MODULE" else part for part in parts]
            parts = [re.sub("^dot-", ".", part) for part in parts]
            data = path.read_bytes()
            if path.suffix != ".safetensors":
                data = Template(data.decode("utf-8")).substitute(words).encode("utf-8")
            yield "/".join(parts).removesuffix(".template"), data


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder that is whole or not there. Raises ``NotWritable``."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        try:
            for name, data in contents.items():
                path = draft / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
