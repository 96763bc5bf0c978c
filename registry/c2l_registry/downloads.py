"""Files from the network to the weights folder: checked, and either whole or not there.

A file is fetched from its addresses in order of preference. Nobody opens it before its size and
sha256 have been checked; if no sha256 is known, the first one seen is kept beside it.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from c2l_registry.checksums import first_seen, record, sha256_of
from c2l_registry.errors import C2LError, NotDownloaded, NotWritable
from c2l_registry.hub import PREFIX, fetch_from_hub, is_hub
from c2l_registry.paths import is_there
from c2l_registry.switches import HUB_OFFLINE, OFFLINE, is_hub_offline, is_offline
from c2l_registry.transfers import (
    Patience,
    Report,
    Stopped,
    TransferFailed,
    forget_partial,
    partial_of,
    refused_by_disk,
    transfer,
)
from c2l_registry.weights import WantedFile

AT_ONCE = 4

FileReport = Callable[[WantedFile, int, "int | None"], None]
"""Called with the file, the bytes of it that have arrived and, if known, its bytes in all."""


def fetch_files(
    files: Sequence[WantedFile],
    *,
    environ: Mapping[str, str] = os.environ,
    report: FileReport = lambda file, here, total: None,
    patience: Patience | None = None,
) -> None:
    """Fetch the files that are not here yet, several at once.

    A file that cannot be fetched does not stop the others. After Ctrl-C or a killed process, the
    same call resumes.

    Raises:
        NotDownloaded: some files cannot be fetched; the message names them all.
        NotReadable, NotWritable: the disk is full, or the folder belongs to somebody else.
    """
    queue: SimpleQueue[WantedFile] = SimpleQueue()
    for file in files:
        queue.put(file)
    errors: list[BaseException] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                file = queue.get_nowait()
            except Empty:
                return
            try:
                fetch_file(
                    file,
                    environ=environ,
                    report=partial(report, file),
                    patience=patience or Patience(),
                    stop=stop,
                )
            except Stopped:
                return
            except BaseException as error:
                errors.append(error)

    # Daemons: Ctrl-C does not wait for a connection that sends nothing.
    threads = [threading.Thread(target=work, daemon=True) for _ in files[:AT_ONCE]]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stop.set()
    _raise(errors)


def fetch_file(
    file: WantedFile,
    *,
    environ: Mapping[str, str],
    report: Report = lambda here, total: None,
    patience: Patience | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Fetch one file unless it is here; if another process is fetching it, wait for that.

    Raises:
        NotDownloaded: none of its addresses gives it, or the network is switched off.
        NotReadable, NotWritable: the disk is full, or the folder belongs to somebody else.
        Stopped: ``stop`` was set.
    """
    if is_there(file.path):
        return
    from filelock import FileLock, Timeout

    stop = stop or threading.Event()
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        # The system releases the lock of a killed process, so a lock is never stale.
        lock = FileLock(lock_of(file.path))
        while not lock.is_locked:
            try:
                lock.acquire(timeout=0.2)
            except Timeout:
                if partial_of(file.path).exists():
                    report(partial_of(file.path).stat().st_size, file.size)
                if stop.is_set():
                    raise Stopped from None
        try:
            if not file.path.exists():
                _fetch(file, environ, report, patience or Patience(), stop)
        finally:
            lock.release()
        size = file.path.stat().st_size
    except OSError as error:
        raise refused_by_disk(file.path, error) from error
    report(size, size)


def lock_of(path: Path) -> Path:
    """The lock to hold while writing a file."""
    return path.with_name(f".{path.name}.lock")


def _fetch(
    file: WantedFile,
    environ: Mapping[str, str],
    report: Report,
    patience: Patience,
    stop: threading.Event,
) -> None:
    reasons = []
    for url in file.urls:
        no_network = is_hub_offline(environ) if is_hub(url) else is_offline(environ)
        try:
            if url.startswith(PREFIX):
                _from_hub(url, file, no_network, report, stop)
                return
            if not no_network:
                _from_web(url, file, report, patience, stop)
                return
        except TransferFailed as reason:
            reasons.append(f"{_host(url)} {reason}")
    if is_offline(environ):
        raise NotDownloaded(
            f"{file.path.name} is not on this machine, and the network is switched off",
            hint=f"Unset {OFFLINE} and run this again, or place the file at {file.path}",
        )
    raise NotDownloaded(
        f"{file.path.name} cannot be fetched: {'; '.join(reasons) or f'{HUB_OFFLINE} is set'}",
        hint=f"Check the network and run this again, or place the file at {file.path}",
    )


def _from_web(
    url: str, file: WantedFile, report: Report, patience: Patience, stop: threading.Event
) -> None:
    _refuse_a_full_disk(file)
    expected = file.sha256 or first_seen(file.path)
    for _ in range(2):
        resumed = transfer(
            url,
            file.path,
            size=file.size,
            checked=bool(expected),
            patience=patience,
            report=report,
            stop=stop,
        )
        try:
            sha256 = _check(partial_of(file.path), file, expected)
            break
        except TransferFailed:
            forget_partial(file.path)
            if not resumed:  # else its ranges may be of two versions: try once more
                raise
    else:
        raise TransferFailed("changes the file while sending it")
    _land(file, sha256)


def _from_hub(
    url: str, file: WantedFile, no_network: bool, report: Report, stop: threading.Event
) -> None:
    fetch_from_hub(url, file.path, offline=no_network, report=report, stop=stop)
    try:
        sha256 = _check(file.path, file, file.sha256 or first_seen(file.path))
    except BaseException:
        file.path.unlink(missing_ok=True)
        raise
    if not file.sha256:
        record(file.path, sha256)


def _check(path: Path, file: WantedFile, expected: str) -> str:
    size = path.stat().st_size
    if size == 0:
        raise TransferFailed("sends an empty file")
    if file.size is not None and size != file.size:
        raise TransferFailed(f"sends {size:,} bytes, not {file.size:,}")
    sha256 = sha256_of(path)
    if expected and sha256 != expected:
        known = "on the card" if file.sha256 else "seen when it was first fetched"
        raise TransferFailed(
            f"sends another file: its sha256 is {sha256[:12]}…, not {expected[:12]}… as {known}"
        )
    return sha256


def _land(file: WantedFile, sha256: str) -> None:
    draft = partial_of(file.path)
    try:
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        if not file.sha256:
            record(file.path, sha256)
        os.replace(draft, file.path)
        forget_partial(file.path)
    except OSError as error:
        raise refused_by_disk(file.path, error) from error


def _refuse_a_full_disk(file: WantedFile) -> None:
    if file.size is None:
        return
    here = partial_of(file.path).stat().st_size if partial_of(file.path).exists() else 0
    free = shutil.disk_usage(file.path.parent).free
    if file.size - here > free:
        raise NotWritable(
            f"{file.path.name} needs {file.size - here:,} more bytes, "
            f"but the disk of {file.path.parent} has {free:,}",
            hint="Make room, or name another folder with C2L_HOME, and run this again",
        )


def _host(url: str) -> str:
    return "Hugging Face" if url.startswith(PREFIX) else urlsplit(url).netloc


def _raise(errors: Sequence[BaseException]) -> None:
    for error in errors:
        if not isinstance(error, NotDownloaded):  # a full disk, or a defect
            raise error
    if len(errors) == 1:
        raise errors[0]
    if errors:
        known = [error for error in errors if isinstance(error, C2LError)]
        raise NotDownloaded("; ".join(e.message for e in known), hint=known[0].hint)
