"""Where weights lie on this machine: beside their card in a package, or in the weights folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from c2l_registry.references import parse_reference

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


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
    file = PurePosixPath(unquote(urlsplit(card.urls[0]).path)).name or "weights"
    # A name may hold characters that some file systems refuse, such as the colon.
    parts = [re.sub(r"[^\w.+@-]", "_", part) for part in (*reference.name.split("/"), file)]
    return home_folder(environ).joinpath("weights", reference.kind, *parts)
