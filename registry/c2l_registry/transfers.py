"""One file from one address over HTTP, resumed where it broke off.

What has arrived is in ``FILE.partial``; ``FILE.partial.json`` beside it says which file it is the
beginning of. Both survive a killed process, and neither is ever mistaken for the file.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from c2l_registry.errors import NotWritable
from c2l_registry.paths import cannot_write
from c2l_registry.stand_ins import ENOUGH, recognise_stand_in

Report = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and, if known, the bytes in all."""

_PIECE = 1 << 18
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_TEXTS = {".json", ".yaml", ".yml", ".txt", ".toml", ".html"}
_MESSAGE = re.compile(rb'\s*(<\?xml|\{\s*["}])')
"""XML or JSON: how servers word their errors, and no weights that a card names."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying an address.

    Args:
        stall: seconds without a byte before a connection is given up.
        attempts: in a row without progress before the address is given up.
        pause: seconds before the second attempt; doubled for each further one.
    """

    stall: float = 30.0
    attempts: int = 5
    pause: float = 1.0


class TransferFailed(Exception):
    """This address does not give the file; another one might. The text says why."""


class Stopped(Exception):
    """The caller asked to stop."""


class _Cut(Exception):
    """The transfer broke off, and may be resumed from the same address.

    Args:
        wait: seconds that the server asked for.
    """

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a partial file is the beginning of.

    Args:
        url: the address on the card, before redirects.
        etag, modified: how the server tells this version of the file from others.
        total: its bytes, according to the server.
    """

    url: str = ""
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def mark(self) -> str:
        """The value of ``If-Range``. A weak tag promises equal meaning, not equal bytes."""
        return self.etag if self.etag.startswith('"') else self.modified

    def same_file(self, other: _Origin) -> bool:
        """Whether two answers are about one version of the file, as far as they say."""
        if None not in (self.total, other.total) and self.total != other.total:
            return False
        if self.url != other.url:  # the marks of two servers cannot be compared
            return True
        if self.etag and other.etag:
            return self.etag == other.etag
        return not (self.modified and other.modified) or self.modified == other.modified


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http, nor to anything else than the web."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in {before, "https"}:
            raise TransferFailed(f"redirects from {before} to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def partial_of(path: Path) -> Path:
    """Where the beginning of a file is while it is fetched."""
    return path.with_name(f"{path.name}.partial")


def origin_of(path: Path) -> Path:
    """Where it says which file that is the beginning of."""
    return path.with_name(f"{path.name}.partial.json")


def forget_partial(path: Path) -> None:
    """Remove the beginning of a file."""
    partial_of(path).unlink(missing_ok=True)
    origin_of(path).unlink(missing_ok=True)


def transfer(
    url: str,
    path: Path,
    *,
    size: int | None,
    checked: bool,
    patience: Patience,
    report: Report,
    stop: threading.Event,
) -> bool:
    """Fetch the whole file at ``url`` into ``partial_of(path)``.

    Args:
        size: in bytes; None if unknown.
        checked: its hash will be checked afterwards, so a beginning from another address, or of a
            version that the server does not name, may be completed.
    Returns:
        Whether the file was assembled from more than one range.
    Raises:
        TransferFailed: this address does not give it.
        NotWritable: the disk does not take it.
        Stopped: ``stop`` was set.
    """
    failures, furthest, resumed = 0, _length(partial_of(path)), False
    while True:
        try:
            one = _Attempt(url, path, size=size, checked=checked, report=report, stop=stop)
            return one.run(patience.stall) or resumed
        except _Cut as cut:
            resumed = True
            here = _length(partial_of(path))
            failures = 0 if here > furthest else failures + 1
            furthest = max(furthest, here)
            if failures >= patience.attempts:
                raise TransferFailed(str(cut)) from cut
            pause = max(cut.wait, patience.pause * 2 ** (failures - 1) if failures else 0.0)
            if stop.wait(min(pause, 60.0)):
                raise Stopped from cut


class _Attempt:
    """One connection."""

    def __init__(
        self,
        url: str,
        path: Path,
        *,
        size: int | None,
        checked: bool,
        report: Report,
        stop: threading.Event,
    ) -> None:
        self.url = url
        self.path = path
        self.partial = partial_of(path)
        self.size = size
        self.checked = checked
        self.report = report
        self.stop = stop

    def run(self, stall: float) -> bool:
        """Returns whether it resumed an earlier range; raises ``_Cut`` if it broke off."""
        before = self._resumable()
        offset = _length(self.partial) if before else 0
        if self.size is not None and offset > self.size:
            offset = 0
        if offset and offset == (self.size or (before.total if before else None)):
            return True
        try:
            with self._open(offset, before, stall) as response:
                return self._receive(response, offset, before)
        except urllib.error.HTTPError as error:
            return self._refused(error, offset)
        except TimeoutError as error:
            raise _Cut(f"sent nothing for {stall:g} s") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise TransferFailed(f"has no valid certificate: {error.reason}") from error
            if isinstance(error.reason, TimeoutError):
                raise _Cut(f"does not answer for {stall:g} s") from error
            raise _Cut(f"cannot be reached: {_plain(error.reason)}") from error
        except (http.client.HTTPException, OSError) as error:
            raise _Cut(f"broke off: {_plain(error)}") from error

    def _resumable(self) -> _Origin | None:
        """The origin of the partial file, if it may be completed from this address."""
        try:
            data = json.loads(origin_of(self.path).read_text(encoding="utf-8"))
            origin = _Origin(**data)
        except (OSError, ValueError, TypeError):
            return None
        if self.checked:
            return origin
        return origin if origin.url == self.url and origin.mark else None

    def _open(self, offset: int, before: _Origin | None, stall: float) -> Any:
        # The bytes of a compressed transfer would not be those of the file.
        headers = {"User-Agent": "c2l", "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if before and before.url == self.url and before.mark:
                headers["If-Range"] = before.mark
        opener = urllib.request.OpenerDirector()
        for handler in (  # no files and no ftp, wherever a redirect points
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            _CarefulRedirects(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        return opener.open(urllib.request.Request(self.url, headers=headers), timeout=stall)

    def _receive(self, response: Any, offset: int, before: _Origin | None) -> bool:
        headers: Message = response.headers
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise TransferFailed(f"sends it compressed, as {headers['Content-Encoding']}")
        start, total = 0, _number(headers.get("Content-Length"))
        if response.status == 206:
            start, total = _range(headers.get("Content-Range", ""))
        now = _Origin(self.url, headers.get("ETag", ""), headers.get("Last-Modified", ""), total)
        if response.status == 206:
            if start != offset or before is None or not before.same_file(now):
                self._start_over("the file changed between two ranges")
        elif response.status != 200:
            raise TransferFailed(f"answers {response.status} {response.reason}")
        first = response.read1(_PIECE)
        if start == 0:
            self._refuse_a_page(first, headers)
        if self.size is not None and total is not None and total != self.size:
            raise TransferFailed(f"offers {total:,} bytes, not {self.size:,}")
        with _open_partial(self.partial, start) as file:
            if start == 0:  # only once the file is empty, so that the two never disagree
                _write(origin_of(self.path), now)
            self._write(file, first, response, start, total)
        here = _length(self.partial)
        if total is not None and here < total:
            raise _Cut(f"broke off after {here:,} of {total:,} bytes")
        return start > 0

    def _write(
        self, file: IO[bytes], first: bytes, response: Any, start: int, total: int | None
    ) -> None:
        most = self.size or total
        here, piece = start, first
        while piece:
            here += len(piece)
            if most is not None and here > most:
                raise TransferFailed(f"sends more than {most:,} bytes")
            try:
                _write_all(file, piece)
            except OSError as error:
                raise refused_by_disk(self.path, error) from error
            self.report(here, most)
            if self.stop.is_set():
                raise Stopped
            piece = response.read1(_PIECE)

    def _refuse_a_page(self, first: bytes, headers: Message) -> None:
        """Refuse what a server sends instead of the file as if all were well."""
        stand_in = recognise_stand_in(first[:ENOUGH])
        if first and stand_in:  # that nothing was sent is noticed later, and said better
            raise TransferFailed(f"sends {stand_in.what} instead of the file")
        if self.path.suffix.lower() in _TEXTS:
            return
        if headers.get_content_type() == "text/html":
            raise TransferFailed("sends a web page instead of the file")
        if _MESSAGE.match(first):
            raise TransferFailed("sends a text instead of the file")

    def _refused(self, error: urllib.error.HTTPError, offset: int) -> bool:
        with error:
            if error.code == 416 and offset:
                # The partial file may already be the whole one; the hash decides.
                total = _number(error.headers.get("Content-Range", "").rpartition("/")[2])
                if total == offset and self.checked:
                    return True
                self._start_over(f"has {total} bytes, not as many as it promised")
            reason = f"answers {error.code} {error.reason}".strip().splitlines()[0]
            if str(error.reason).startswith(_CarefulRedirects.inf_msg):
                reason = "redirects in a circle"
            if error.code in _PASSING:
                raise _Cut(reason, _number(error.headers.get("Retry-After")) or 0.0) from error
            raise TransferFailed(reason) from error

    def _start_over(self, reason: str) -> None:
        forget_partial(self.path)
        raise _Cut(reason)


def refused_by_disk(path: Path, error: OSError, *, setting: str = "C2L_HOME") -> NotWritable:
    """The disk is full, or this user may not write to the folder.

    Args:
        setting: the variable that names another folder.
    """
    hint = f"Make room, or name another folder with {setting}, and run this again to resume"
    return cannot_write(path, error, hint=hint)


def _open_partial(path: Path, start: int) -> IO[bytes]:
    try:
        # Unbuffered: what was reported is in the file, and a full disk shows at once.
        file = path.open("r+b" if start else "wb", buffering=0)
        file.seek(start)
        file.truncate()
        return file
    except OSError as error:
        raise refused_by_disk(path, error) from error


def _write_all(file: IO[bytes], piece: bytes) -> None:
    # A disk that is almost full takes a part without an error; only the next write fails.
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _write(path: Path, origin: _Origin) -> None:
    try:
        path.write_text(json.dumps(asdict(origin)), encoding="utf-8")
    except OSError as error:
        raise refused_by_disk(path, error) from error


def _length(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() else None


def _range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", text.strip())
    if match is None:
        raise TransferFailed(f"answers a request for a range with {text!r}")
    return int(match[1]), _number(match[2])


def _plain(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
