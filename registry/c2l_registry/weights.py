"""Where weights lie on this machine: beside their card in a package, or in the weights folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from c2l_registry.references import parse_reference

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that belongs in the weights folder.

    Args:
        path: where.
        urls: its addresses, in order of preference.
        size: its bytes; None where nobody knows.
        sha256: empty where nobody knows.
    """

    path: Path
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str = ""


def home_folder(environ: Mapping[str, str]) -> Path:
    """The folder for everything that c2l keeps: ``C2L_HOME``, else the platform's cache folder."""
    if home := environ.get("C2L_HOME"):
        return Path(home).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("c2l", appauthor=False))


def embedded_path(card: ModelCard, toml: Path) -> Path | None:
    """The file that ships beside the card; None for a card whose weights lie elsewhere."""
    return toml.parent / card.file if card.file else None


def cached_path(card: ModelCard, environ: Mapping[str, str]) -> Path | None:
    """Where the card's downloaded file belongs; None for a card without addresses."""
    if not card.urls:
        return None
    reference = parse_reference(card.reference)
    file = card.file_name or _file_name(card.urls[0])
    # A name may hold characters that some file systems refuse, such as the colon.
    parts = [re.sub(r"[^\w.+@-]", "_", part) for part in (*reference.name.split("/"), file)]
    return home_folder(environ).joinpath("weights", reference.kind, *parts)


def wanted_files(card: ModelCard, environ: Mapping[str, str]) -> list[WantedFile]:
    """The card's file and those that belong beside it; empty for a card without addresses.

    The main file comes last: once it is there, so are all.
    """
    path = cached_path(card, environ)
    if path is None:
        return []
    files = [WantedFile(path.with_name(c.name), c.urls, c.size, c.sha256) for c in card.companions]
    return [*files, WantedFile(path, card.urls, card.size, card.sha256)]


def is_cached(card: ModelCard, environ: Mapping[str, str]) -> bool:
    """Whether all files of a card with addresses are in the weights folder."""
    files = wanted_files(card, environ)
    return bool(files) and all(file.path.exists() for file in files)


def converted_path(path: Path) -> Path:
    """Where the project's own form of a fetched network lies, once it was converted."""
    return path.with_suffix(".safetensors")


def conversion_folder(path: Path) -> Path:
    """Where that is written until it is whole; a killed process leaves it behind."""
    return path.with_name(f".{converted_path(path).name}.partial")


def _file_name(url: str) -> str:
    """The last part of an address; NVIDIA's catalogue names its file in ``?path=`` instead."""
    parts = urlsplit(url)
    path = (parse_qs(parts.query).get("path") or [unquote(parts.path)])[0]
    name = PurePosixPath(path).name
    return name if name not in {"", ".", ".."} else "weights"
