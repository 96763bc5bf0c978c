"""Removing the files of a model from the weights folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from c2l_registry.checksums import record_of
from c2l_registry.consent import consent_file
from c2l_registry.downloads import lock_of
from c2l_registry.errors import NotWritable
from c2l_registry.paths import is_there
from c2l_registry.transfers import origin_of, partial_of
from c2l_registry.weights import conversion_folder, converted_path, home_folder, wanted_files

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard


def remove_files(card: ModelCard, environ: Mapping[str, str]) -> int:
    """Remove everything fetched or converted for a card, and the acceptance of its licence.

    Returns:
        The number of bytes freed; 0 if nothing was there.
    Raises:
        NotReadable: this user may not look there.
        NotWritable: another process is fetching it, or the folder cannot be changed.
    """
    from filelock import FileLock, Timeout

    freed = 0
    for file in wanted_files(card, environ):
        path = file.path
        if not is_there(path.parent):
            continue
        try:
            with FileLock(lock_of(path), timeout=1):
                freed += sum(map(_remove, _all_of(path)))
            lock_of(path).unlink(missing_ok=True)
        except Timeout as error:
            raise NotWritable(
                f"another process is fetching {card.reference}", hint="Stop it, or wait for it"
            ) from error
        except OSError as error:
            raise _cannot_remove(path, error) from error
    consent = consent_file(card.reference, environ)
    try:
        consent.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_remove(consent, error) from error
    _remove_empty(consent.parent, home_folder(environ) / "weights")
    return freed


def _cannot_remove(path: Path, error: OSError) -> NotWritable:
    return NotWritable(
        f"cannot remove {path}: {error.strerror or error}",
        hint="Remove it as the user it belongs to",
    )


def is_kept_elsewhere(card: ModelCard, environ: Mapping[str, str]) -> bool:
    """Whether some files of a card are links, or are where its class puts them."""
    files = wanted_files(card, environ)
    return not files or any(file.path.is_symlink() for file in files)


def _all_of(path: Path) -> list[Path]:
    own, draft = converted_path(path), conversion_folder(path)
    files = [path, record_of(path), partial_of(path), origin_of(path), own, lock_of(own)]
    return [*files, *draft.glob("*"), *draft.glob(".*"), draft]


def _remove(path: Path) -> int:
    """Bytes freed. A link frees nothing: what it points to belongs to another cache."""
    if not path.is_symlink() and not path.exists():
        return 0
    if path.is_dir():
        path.rmdir()
        return 0
    size = 0 if path.is_symlink() else path.stat().st_size
    path.unlink(missing_ok=True)
    return size


def _remove_empty(folder: Path, stop: Path) -> None:
    with suppress(OSError):  # not empty: another model is below it
        while folder != stop:
            folder.rmdir()
            folder = folder.parent
