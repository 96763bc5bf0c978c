"""Which program installs packages into the Python that is running, and how it is asked."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from c2l_registry.wanted import Wanted


@dataclass(frozen=True)
class Command:
    """A command line.

    Args:
        words: of the command; empty where nothing can be done from here.
        obstacle: why c2l does not run it by itself; empty if it does.
        hint: what to do instead.
    """

    words: tuple[str, ...]
    obstacle: str = ""
    hint: str = ""


def installing(packages: Sequence[Wanted], prefix: Path | None = None) -> Command:
    """The command that installs packages.

    Args:
        prefix: of the environment; that of this Python by default.
    """
    prefix = prefix or Path(sys.prefix)
    if receipt := _uv_receipt(prefix):
        return _by_uv_tool([*_beside(receipt), *_with(packages)])
    if _is_pipx(prefix):
        editable = ["--editable"] if any(package.editable for package in packages) else []
        plain = [package.target for package in packages]
        return _by_pipx(["inject", *editable, prefix.name, *plain])
    return _by_pip_or_uv("install", [word for package in packages for word in _words(package)])


def removing(dists: Sequence[str], prefix: Path | None = None) -> Command:
    """The command that removes installed packages; ``prefix`` as for ``installing``."""
    prefix = prefix or Path(sys.prefix)
    if receipt := _uv_receipt(prefix):
        return _by_uv_tool(_beside(receipt, but=dists))
    if _is_pipx(prefix):
        return _by_pipx(["uninject", prefix.name, *dists])
    return _by_pip_or_uv("uninstall", dists)


def _by_pip_or_uv(verb: str, arguments: Sequence[str]) -> Command:
    stdlib = Path(sysconfig.get_path("stdlib"))
    if sys.prefix == sys.base_prefix and (stdlib / "EXTERNALLY-MANAGED").exists():
        return Command(
            (),
            "this Python belongs to the system, which manages its packages itself",
            "Install c2l into an environment of its own: python3 -m venv c2l-env; "
            "c2l-env/bin/pip install c2l",
        )
    if importlib.util.find_spec("pip"):
        yes = ["--yes"] if verb == "uninstall" else []
        # -P: no module of the current folder takes the place of pip.
        return Command((sys.executable, "-P", "-m", "pip", verb, *yes, *arguments))
    if uv := shutil.which("uv"):
        return Command((uv, "pip", verb, "--python", sys.executable, *arguments))
    return Command(
        (), "this Python has no pip", f"Give it one: {sys.executable} -m ensurepip --upgrade"
    )


def _by_uv_tool(beside: Sequence[str]) -> Command:
    return Command(
        ("uv", "tool", "install", "c2l", *beside),
        "this c2l is a tool of uv, which forgets what others install beside it",
    )


def _by_pipx(arguments: Sequence[str]) -> Command:
    return Command(
        ("pipx", *arguments), "this c2l belongs to pipx, which forgets what others install"
    )


def _with(packages: Sequence[Wanted]) -> list[str]:
    return [
        word
        for package in packages
        for word in ("--with-editable" if package.editable else "--with", package.target)
    ]


def _words(package: Wanted) -> tuple[str, ...]:
    return ("-e", package.target) if package.editable else (package.target,)


def _uv_receipt(prefix: Path) -> Path | None:
    receipt = prefix / "uv-receipt.toml"
    return receipt if receipt.exists() else None


def _beside(receipt: Path, but: Sequence[str] = ()) -> list[str]:
    """What uv installed beside c2l, as options: it is left out of the next one if not repeated."""
    words: list[str] = []
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for kept in tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]:
            name = kept["name"]
            if name in {"c2l", *but}:
                continue
            if folder := kept.get("editable"):
                words += ["--with-editable", folder]
            elif place := kept.get("url") or kept.get("directory") or kept.get("path"):
                words += ["--with", f"{name} @ {place}" if kept.get("url") else place]
            elif git := kept.get("git"):
                words += ["--with", f"{name} @ git+{git}"]
            else:
                words += ["--with", f"{name}{kept.get('specifier', '')}"]
    return words


def _is_pipx(prefix: Path) -> bool:
    return (prefix / "pipx_metadata.json").exists()
