"""Where weights are on this machine: beside their card in a package, or in the weights folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from c2l_registry.errors import BadPath, NotReadable
from c2l_registry.paths import ANOTHER_HOME, expand_path, is_there
from c2l_registry.references import parse_reference

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that belongs in the weights folder.

    Args:
        path: where.
        urls: its addresses, in order of preference.
        size: in bytes; None if unknown.
        sha256: empty if unknown.
    """

    path: Path
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str = ""


def home_folder(environ: Mapping[str, str]) -> Path:
    """The folder for everything that c2l keeps: ``C2L_HOME``, else the platform's cache folder.

    Returns:
        An absolute path, so that a change of the working directory does not move it.
    Raises:
        BadPath: ``C2L_HOME`` is not a path.
        NotReadable: the user has no home folder, as in a container with a made-up user id.
    """
    if home := environ.get("C2L_HOME"):
        try:
            return expand_path(home).absolute()
        except BadPath as error:
            raise BadPath(f"C2L_HOME: {error.message}", hint=ANOTHER_HOME) from None
    from platformdirs import user_cache_path

    folder = user_cache_path("c2l", appauthor=False)
    if not folder.is_absolute():  # the system could not expand ~
        raise NotReadable("this user has no home folder to keep weights in", hint=ANOTHER_HOME)
    return folder


def embedded_path(card: ModelCard, toml: Path) -> Path | None:
    """The file that ships beside the card; None for a card whose weights are elsewhere."""
    return toml.parent / card.file if card.file else None


def cached_path(card: ModelCard, environ: Mapping[str, str]) -> Path | None:
    """Where the card's file belongs once downloaded; None for a card without addresses."""
    if not card.urls:
        return None
    reference = parse_reference(card.reference)
    file = card.file_name or _file_name(card.urls[0])
    # A name may hold characters that some file systems refuse, such as the colon.
    parts = [re.sub(r"[^\w.+@-]", "_", part) for part in (*reference.name.split("/"), file)]
    return home_folder(environ).joinpath("weights", reference.kind, *parts)


def wanted_files(card: ModelCard, environ: Mapping[str, str]) -> list[WantedFile]:
    """The card's file and its companions; empty for a card without addresses.

    The main file comes last: once it is there, all are.
    """
    path = cached_path(card, environ)
    if path is None:
        return []
    files = [WantedFile(path.with_name(c.name), c.urls, c.size, c.sha256) for c in card.companions]
    return [*files, WantedFile(path, card.urls, card.size, card.sha256)]


def is_cached(card: ModelCard, environ: Mapping[str, str]) -> bool:
    """Whether all files of a card with addresses are in the weights folder.

    Raises:
        NotReadable: this user may not look there.
    """
    files = wanted_files(card, environ)
    return bool(files) and all(is_there(file.path) for file in files)


def converted_path(path: Path) -> Path:
    """Where a fetched network is in the project's own format, once it is converted."""
    return path.with_suffix(".safetensors")


def conversion_folder(path: Path) -> Path:
    """Where it is written until it is whole; a killed process leaves this folder behind."""
    return path.with_name(f".{converted_path(path).name}.partial")


def _file_name(url: str) -> str:
    """The last part of an address; NVIDIA's catalogue names its file in ``?path=`` instead."""
    parts = urlsplit(url)
    path = (parse_qs(parts.query).get("path") or [unquote(parts.path)])[0]
    name = PurePosixPath(path).name
    return name if name not in {"", ".", ".."} else "weights"
