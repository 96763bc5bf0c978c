"""Files on the Hugging Face Hub: in the cache that all its tools share, and linked from ours."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from pathlib import Path
from typing import Any

from c2l_registry.transfers import Report, Stopped, TransferFailed, refused_by_disk

PREFIX = "hf:"
_ADDRESS = re.compile(r"hf:(?P<repo>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?/(?P<file>.+)")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}


def is_hub(url: str) -> bool:
    """Whether an address is on the Hub, as ``hf:…`` or as a web address."""
    return url.startswith((PREFIX, "https://huggingface.co/"))


def fetch_from_hub(
    url: str, path: Path, *, offline: bool, report: Report, stop: threading.Event
) -> None:
    """Fetch ``hf:OWNER/REPOSITORY[@REVISION]/FILE`` into the Hub's cache and link ``path`` to it.

    Args:
        offline: look in the cache only.
    Raises:
        TransferFailed: it is not in the cache and cannot be fetched.
        NotWritable: the cache or the folder of ``path`` does not take it.
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
            cache = Path(error.filename) if isinstance(error.filename, str) else path
            raise refused_by_disk(cache, error, setting="HF_HOME") from error
        raise TransferFailed(_first_line(error)) from error
    except Exception as error:  # whatever the layers of the Hub raise is one thing to a user
        raise TransferFailed(_first_line(error)) from error
    _link(Path(found), path)


def _link(target: Path, path: Path) -> None:
    draft = path.with_name(f"{path.name}.link")
    try:
        draft.unlink(missing_ok=True)
        try:
            draft.symlink_to(target.resolve())
        except OSError:  # Windows wants a privilege for it; some file systems have no links
            try:
                os.link(target.resolve(), draft)
            except OSError:
                shutil.copyfile(target, draft)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise refused_by_disk(path, error) from error


def _bar(report: Report, stop: threading.Event) -> Any:
    """A progress bar in the form that the Hub expects, which passes on what it is told."""
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
