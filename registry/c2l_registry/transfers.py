"""One file from one address over HTTP, going on where a cut left it.

What has arrived lies in ``FILE.partial``; ``FILE.partial.json`` beside it says what it is the
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

Report = Callable[[int, int | None], None]
"""Told the bytes that are here and the bytes in all, if those are known."""

_PIECE = 1 << 18
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_TEXTS = {".json", ".yaml", ".yml", ".txt", ".toml", ".html"}
_WRONG_TEXTS = re.compile(rb"\s*(<!doctype|<html|<head|<\?xml|\{|version https://git-lfs)", re.I)
_PAGE = re.compile(rb"\s*(<!doctype|<html|<head)", re.I)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to put up with an address.

    Args:
        stall: seconds without a byte, before a connection is given up.
        attempts: in a row without progress, before the address is given up.
        pause: seconds before the second attempt; doubles with every further one.
    """

    stall: float = 30.0
    attempts: int = 5
    pause: float = 1.0


class TransferFailed(Exception):
    """This address does not give the file; another one might. Its text is the reason."""


class Stopped(Exception):
    """The caller asked to stop."""


class _Cut(Exception):
    """The transfer broke off; the same address may well go on.

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
        url: the address as the card has it, before redirects.
        etag, modified: how the server told this version of the file from others.
        total: its bytes, by the server.
    """

    url: str = ""
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def mark(self) -> str:
        """What ``If-Range`` takes. A weak tag promises equal meaning, not equal bytes."""
        return self.etag if self.etag.startswith('"') else self.modified

    def same_file(self, other: _Origin) -> bool:
        """Whether two answers speak of one version of the file, as far as they say."""
        if None not in (self.total, other.total) and self.total != other.total:
            return False
        if self.url != other.url:  # the marks of two servers cannot be compared
            return True
        if self.etag and other.etag:
            return self.etag == other.etag
        return not (self.modified and other.modified) or self.modified == other.modified


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from an encrypted connection to an open one, nor off the web."""

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
    """Where the beginning of a file lies while it is fetched."""
    return path.with_name(f"{path.name}.partial")


def origin_of(path: Path) -> Path:
    """Where is written down what that is the beginning of."""
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
    """Bring the whole file at ``url`` to ``partial_of(path)``.

    Args:
        size: its bytes; None where nobody knows.
        checked: a hash will be checked afterwards, so that a beginning from another address, or
            one that the server cannot tell from other versions, may be completed.
    Returns:
        Whether the file was put together from more than one range.
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
        """Returns whether it went on from an earlier range; raises ``_Cut`` if it broke off."""
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
        """What the partial file is the beginning of, if it may be completed from this address."""
        try:
            data = json.loads(origin_of(self.path).read_text(encoding="utf-8"))
            origin = _Origin(**data)
        except (OSError, ValueError, TypeError):
            return None
        if self.checked:
            return origin
        return origin if origin.url == self.url and origin.mark else None

    def _open(self, offset: int, before: _Origin | None, stall: float) -> Any:
        # Compressed transfers would count other bytes than the file has.
        headers = {"User-Agent": "c2l", "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if before and before.url == self.url and before.mark:
                headers["If-Range"] = before.mark
        opener = urllib.request.OpenerDirector()
        for handler in (  # no files and no ftp, wherever a redirect may point
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
            raise TransferFailed(f"sends it as {headers['Content-Encoding']}, not as it is")
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
            if start == 0:  # the note after the file is empty: together they are never wrong
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
                raise cannot_write(self.path, error) from error
            self.report(here, most)
            if self.stop.is_set():
                raise Stopped
            piece = response.read1(_PIECE)

    def _refuse_a_page(self, first: bytes, headers: Message) -> None:
        """An error page that a server sends as if all were well."""
        is_text = self.path.suffix.lower() in _TEXTS
        kind = headers.get_content_type()
        if (_PAGE if is_text else _WRONG_TEXTS).match(first[:512]):
            raise TransferFailed("sends a page of text instead of the file")
        if kind == "text/html" and not is_text:
            raise TransferFailed("sends a web page instead of the file")

    def _refused(self, error: urllib.error.HTTPError, offset: int) -> bool:
        with error:
            if error.code == 416 and offset:
                # Where the partial file already is the whole one, the hash decides.
                total = _number(error.headers.get("Content-Range", "").rpartition("/")[2])
                if total == offset and self.checked:
                    return True
                self._start_over(f"has {total} bytes, not those it promised")
            reason = f"answers {error.code} {error.reason}".strip().splitlines()[0]
            if str(error.reason).startswith(_CarefulRedirects.inf_msg):
                reason = "redirects in a circle"
            if error.code in _PASSING:
                raise _Cut(reason, _number(error.headers.get("Retry-After")) or 0.0) from error
            raise TransferFailed(reason) from error

    def _start_over(self, reason: str) -> None:
        forget_partial(self.path)
        raise _Cut(reason)


def cannot_write(path: Path, error: OSError) -> NotWritable:
    """The disk is full, or the folder is not ours to write in."""
    return NotWritable(
        f"cannot write {path}: {error.strerror or error}",
        hint="Make room or name another folder with C2L_HOME, then run this again: it goes on",
    )


def _open_partial(path: Path, start: int) -> IO[bytes]:
    try:
        # Unbuffered: what was reported is in the file, and a full disk is noticed at once.
        file = path.open("r+b" if start else "wb", buffering=0)
        file.seek(start)
        file.truncate()
        return file
    except OSError as error:
        raise cannot_write(path, error) from error


def _write_all(file: IO[bytes], piece: bytes) -> None:
    # A disk that is almost full takes a part without a word; only the next write fails.
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _write(path: Path, origin: _Origin) -> None:
    try:
        path.write_text(json.dumps(asdict(origin)), encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error


def _length(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() else None


def _range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", text.strip())
    if match is None:
        raise TransferFailed(f"answers a range with {text!r}")
    return int(match[1]), _number(match[2])


def _plain(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
