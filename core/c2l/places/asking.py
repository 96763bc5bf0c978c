"""One question to a store: asked again while it is busy, and one clear line where it says no."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from c2l.errors import BadInput, C2LError, MissingDependency, StoreRefused, StoreUnreachable

T = TypeVar("T")

WAITS: tuple[float, ...] = (1.0, 4.0, 15.0)
"""Seconds between tries, half as long to half as long again. Most file systems have tried several
times themselves before the first."""

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "hf": "hf"}
_SIGN_IN = {
    "s3": "sign in again, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS",
    "hf": "run 'hf auth login', or set HF_TOKEN",
}
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN")
_HIDDEN = (
    (re.compile(r"(://)[^/\s@]+@"), r"\1…@"),
    (re.compile(r"\?[^\s'\")>]+"), "?…"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{8,}\b"), "…"),
    (re.compile(r"\b(hf_|Bearer\s+)[\w.~+/=-]{8,}"), r"\1…"),
)
_LONGEST = 240

_BUSY_CODES = {"RequestTimeout", "IncompleteBody", "OperationAborted", "Throttling", "SlowDown"}
_NO_SUCH_BUCKET = "NoSuchBucket"
_ON_THE_WAY = re.compile(r"Payload|Incomplete|ContentLength|Timeout|Connect|Disconnect")
_ABOUT_KEYS = re.compile(r"Credential|Token|Auth|Profile|Login|SSO|Signature")
_FOREIGN_FAULTS = (TypeError, ValueError, AttributeError, LookupError, NotImplementedError)


class CutOff(OSError):
    """A store gave another number of bytes than it said."""


class OldListing(OSError):
    """A listing lacks what this process wrote before."""


def file_system(address: str) -> Any:
    """fsspec's file system of an address; fsspec keeps one for each kind.

    Raises:
        MissingDependency: its package is not installed.
        BadInput: there is no such kind of store.
    """
    scheme = address.partition("://")[0]
    from fsspec import get_filesystem_class
    from fsspec.core import url_to_fs

    try:
        get_filesystem_class(scheme)
    except ImportError as error:
        if (extra := _EXTRAS.get(scheme)) is not None:
            hint = f"Install it: pip install 'c2l[{extra}]'"
        else:
            hint = f"What fsspec says: {error}"
        raise MissingDependency(
            f"{scheme}:// needs a package that is not installed", hint=hint
        ) from error
    except ValueError as error:
        raise BadInput(
            f"{scheme}:// is not a store that fsspec knows",
            hint="c2l[s3] reads s3://, c2l[gs] gs://, c2l[hf] hf://buckets/",
        ) from error
    return ask(address, "open", lambda: url_to_fs(address)[0])


def ask(address: str, verb: str, call: Callable[[], T]) -> T:
    """What ``call`` returns; it is repeated while the store is busy, so it must be repeatable.

    Args:
        verb: what it does, for messages: ``read``, ``write``, ``list``, ``remove``, ``open``.
    Raises:
        FileNotFoundError: there is nothing of that name.
        StoreRefused: the store says no, and will say so again.
        StoreUnreachable: it did not answer, or was busy, or cut its answers off, for too long.
    """
    for wait in (*WAITS, None):
        try:
            return call()
        except C2LError:
            raise
        except Exception as error:
            if isinstance(error, FileNotFoundError) and not _is_about_bucket(error, verb):
                raise
            if _will_not_change(error):
                raise _refused(address, verb, error) from error
            if wait is None:
                raise StoreUnreachable(
                    f"cannot {verb} {address}: {_words(error)}",
                    hint="Finished work is kept. Repeat the command once the store answers",
                ) from error
            time.sleep(wait * random.SystemRandom().uniform(0.5, 1.5))
    raise AssertionError


def _refused(address: str, verb: str, error: Exception) -> StoreRefused:
    scheme = address.partition("://")[0]
    if _is_about_bucket(error, verb):
        hint = "Check its name, or make it first"
        return StoreRefused(f"cannot {verb} {address}: there is no such bucket", hint=hint)
    if isinstance(error, _FOREIGN_FAULTS) and not _is_named(error, _ABOUT_KEYS):
        hint = "Check the address, and that fsspec and the package of this store fit each other"
        return StoreRefused(f"cannot {verb} {address}: {_words(error)}", hint=hint)
    sign_in = _SIGN_IN[_EXTRAS[scheme]] if scheme in _EXTRAS else "check your keys"
    if "TooSkewed" in _code(error):
        sign_in = "set the clock of this machine"
    return StoreRefused(
        f"cannot {verb} {address}: {_words(error)}",
        hint=f"Finished work is kept. Check that you may {verb} there; "
        f"{sign_in}; then repeat the command",
    )


def _will_not_change(error: Exception) -> bool:
    if _code(error) in _BUSY_CODES or _is_named(error, _ON_THE_WAY):
        return False
    status = _status(error)
    if status is not None:
        return 300 <= status < 500 and status not in (408, 409, 416, 425, 429)
    refused = (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError)
    return isinstance(error, (*refused, *_FOREIGN_FAULTS)) or _is_named(error, _ABOUT_KEYS)


def _is_about_bucket(error: Exception, verb: str) -> bool:
    """Whether something is not there because the bucket is not."""
    if not isinstance(error, FileNotFoundError):
        return False
    return verb == "write" or _code(error) == _NO_SUCH_BUCKET


def _is_named(error: Exception, pattern: re.Pattern[str]) -> bool:
    """By the names of classes, since each package has its own, and few are installed."""
    return any(pattern.search(type(cause).__name__) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _answer(error: BaseException) -> Iterator[Any]:
    """Answers of HTTP that an error or what caused it holds, in the shapes of several packages."""
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if response is not None:
            yield response


def _code(error: BaseException) -> str:
    """The store's own name of an error, as in ``NoSuchBucket``; empty if it gives none."""
    for response in _answer(error):
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def _status(error: BaseException) -> int | None:
    """The number of HTTP's answer, if there was one."""
    for response in _answer(error):
        if isinstance(response, dict):
            found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            found = getattr(response, "status_code", None)
        if isinstance(found, int):
            return found
    for cause in _causes(error):
        for name in ("status", "code"):
            if str(found := getattr(cause, name, "")).isdigit():
                return int(found)
    return None


def _words(error: BaseException) -> str:
    """What a package says, in one line and without keys."""
    while isinstance(error, OSError) and error.args[-1:] == (None,) and error.__cause__:
        error = error.__cause__  # s3fs has no words where an answer has no body
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, _FOREIGN_FAULTS):
        text = f"{type(error).__name__}: {text}"
    for name in _SECRETS:
        if len(secret := os.environ.get(name, "")) >= 8:
            text = text.replace(secret, "…")
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
