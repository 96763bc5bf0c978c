"""Files on the Hugging Face Hub: kept in the cache that all its tools share, linked from ours."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from c2l_registry.transfers import Report, Stopped, TransferFailed, cannot_write

PREFIX = "hf:"
_ADDRESS = re.compile(r"hf:(?P<repo>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?/(?P<file>.+)")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
_NO = {"", "0", "false", "no", "off"}


def is_hub(url: str) -> bool:
    """Whether an address is one of the Hub, by ``hf:`` or by its web address."""
    return url.startswith((PREFIX, "https://huggingface.co/"))


def hub_is_off(environ: Mapping[str, str]) -> bool:
    """Whether the user switched off the Hub alone, with its own ``HF_HUB_OFFLINE``."""
    return environ.get("HF_HUB_OFFLINE", "").strip().lower() not in _NO


def fetch_from_hub(
    url: str, path: Path, *, offline: bool, report: Report, stop: threading.Event
) -> None:
    """Bring ``hf:OWNER/REPOSITORY[@REVISION]/FILE`` into the Hub's cache and link it to ``path``.

    Args:
        offline: only look into the cache.
    Raises:
        TransferFailed: it is not in the cache and cannot be fetched.
        NotWritable: the disk does not take it.
    """
    match = _ADDRESS.fullmatch(url)
    assert match is not None, "cards have no other addresses"
    from huggingface_hub import hf_hub_download

    try:
        found = hf_hub_download(
            match["repo"],
            match["file"],
            revision=match["revision"],
            local_files_only=offline,
            tqdm_class=_bar(report, stop),
        )
    except Stopped:
        raise
    except OSError as error:
        if error.errno in _DISK:
            raise cannot_write(path, error) from error
        raise TransferFailed(_first_line(error)) from error
    except Exception as error:  # whatever the Hub's layers raise, it is one thing to a user
        raise TransferFailed(_first_line(error)) from error
    _link(Path(found), path)


def _link(target: Path, path: Path) -> None:
    draft = path.with_name(f"{path.name}.link")
    try:
        draft.unlink(missing_ok=True)
        try:
            draft.symlink_to(target.resolve())
        except OSError:  # Windows asks for a privilege; a file system may have no links at all
            try:
                os.link(target.resolve(), draft)
            except OSError:
                shutil.copyfile(target, draft)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def _bar(report: Report, stop: threading.Event) -> Any:
    """A progress bar in the shape that the Hub wants, which passes on what it is told."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            self.here = kwargs.get("initial") or 0
            self.whole = kwargs.get("total")
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.here += int(n or 0)
            report(self.here, self.whole)
            if stop.is_set():
                raise Stopped
            return None

    return Bar


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
