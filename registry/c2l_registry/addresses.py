"""Addresses of stores, ``s3://bucket/name`` and the like, and what they may not carry."""

from __future__ import annotations

import re

from c2l_registry.errors import BadPath

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SHORTENED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")
_CHAINED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*::.*://")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_ENVIRONMENT = "Give keys by the environment or the files of the store's own tools"


def is_address(text: str) -> bool:
    """Whether a text is the address of something in a store; a drive letter makes none."""
    return _ADDRESS.match(text) is not None or _CHAINED.match(text) is not None


def check_address(text: str) -> str:
    """Return an address that says where something is, and nothing else.

    What an address holds ends up in priors, records and logs. So none may hold a key, and no
    message repeats one that does.

    Raises:
        BadPath: it holds a password or options, chains file systems, or has no name in it.
    """
    scheme, _, rest = text.partition("://")
    if _CHAINED.match(text):
        raise BadPath(
            f"the address {scheme.partition('::')[0]}::… goes through a second file system",
            hint="Give the address itself: what a cache returns may be old",
        )
    who, at, _ = rest.partition("@")
    if at and ":" in who.partition("/")[0]:  # a secret may have slashes itself
        raise BadPath(f"an address {scheme}://… holds a password", hint=_ENVIRONMENT)
    if "?" in rest:
        raise BadPath(f"an address {scheme}://… holds options, after a '?'", hint=_ENVIRONMENT)
    if _FORBIDDEN.search(text):
        raise BadPath(f"the address {text!r} holds a control character", hint="Check it")
    if not rest.strip("/") or {".", ".."} & set(rest.split("/")):
        raise BadPath(
            f"the address {text!r} is not that of one place", hint=f"Write {scheme}://bucket/name"
        )
    return text


def shortened_address(path: str) -> str:
    """The scheme of an address that ``pathlib`` has taken a slash from, as in ``s3:/bucket``."""
    found = _SHORTENED.match(path)
    return found[1] if found else ""
