"""Packages as pip is asked for them: checked, so that no line of a file can be an option of pip."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from c2l_registry.errors import BadReference
from c2l_registry.paths import check_given, expand_path
from c2l_registry.references import Reference, names_a_file

EDITABLE = "# editable"
"""What ends the line of a package that is used from its own folder of sources."""

_SCHEMES = ("https", "file", "git+https", "git+ssh", "git+file")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_PATH_AND_EXTRAS = re.compile(r"(.*?)(\[[\w\s,.-]+\])?", re.S)
_HINT = "Write a name, as in c2l-dcgan or c2l-dcgan>=1, an https address, or a path"


@dataclass(frozen=True)
class Wanted:
    """One package.

    Args:
        name: of the package; empty for a path, which does not tell.
        target: a requirement, or a path.
        editable: whether ``target`` is a folder of sources to be used where it is.
    """

    name: str
    target: str
    editable: bool = False


def parse_wanted(text: str, *, editable: bool = False) -> Wanted:
    """A package as a user names it: a requirement, or the path of a folder or a wheel.

    Raises:
        BadReference: it is neither, or an address that is refused.
        UnknownReference, NotReadable: there is no such file or folder, or it may not be read.
        BadPath: it names the home folder of an unknown user.
    """
    path, extras = _PATH_AND_EXTRAS.fullmatch(text).groups()  # type: ignore[union-attr]
    if editable or Reference("", path).is_path or (_looks_local(path) and names_a_file(path)):
        if _BREAKS.search(text):
            raise _bad(text, "it contains a control character")
        # An absolute path cannot begin with a dash.
        return Wanted("", f"{check_given(expand_path(path)).absolute()}{extras or ''}", editable)
    return _requirement(text)


def parse_line(line: str) -> Wanted | None:
    """A line of what ``freeze`` printed; None for an empty one and for a comment.

    Raises:
        BadReference: it is no requirement, or an address that is refused.
        UnknownReference: the folder of an editable package is gone.
    """
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if not text.endswith(EDITABLE):
        return _requirement(re.split(r"\s#", text)[0].strip())
    wanted = _requirement(text.removesuffix(EDITABLE).strip())
    place = urlsplit(wanted.target.partition("@")[2].strip())
    if place.scheme != "file":
        raise _bad(text, "an editable package is in a folder, file:///…")
    folder = check_given(Path(unquote(place.path)))
    return Wanted(wanted.name, str(folder.absolute()), editable=True)


def line_of(dist: Distribution) -> str:
    """The line that installs a package again as it is: by version, or from where it came."""
    name = dist.metadata["Name"]
    origin = {}
    with suppress(OSError, ValueError):
        origin = json.loads(dist.read_text("direct_url.json") or "{}")
    url = origin.get("url") if isinstance(origin, dict) else None
    if not isinstance(url, str):
        return f"{name}=={dist.version}"
    url = _without_secrets(url)
    if vcs := origin.get("vcs_info"):
        return f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    if digest := origin.get("archive_info", {}).get("hash", ""):
        url = f"{url}#{digest}"
    editable = origin.get("dir_info", {}).get("editable", False)
    return f"{name} @ {url}" + (f"  {EDITABLE}" if editable else "")


def _requirement(text: str) -> Wanted:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise _bad(text, "it is not the name of a package") from None
    if requirement.url is not None:
        _check_address(requirement.url, text)
    return Wanted(requirement.name, text)


def _check_address(url: str, text: str) -> None:
    """Refuse what pip or git could take for something else than a place on the network or disk."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    revision = parts.path.rpartition("@")[2] if "@" in parts.path else ""
    if parts.scheme not in _SCHEMES:
        raise _bad(text, f"its address must begin with one of {', '.join(_SCHEMES)}")
    if _BREAKS.search(url) or host.startswith("-") or revision.startswith("-"):
        raise _bad(text, "its address could be read as an option")


def _looks_local(text: str) -> bool:
    return "/" in text or "\\" in text or text.endswith((".whl", ".tar.gz", ".zip"))


def _without_secrets(url: str) -> str:
    """An address without a password or token; the plain user of ssh stays."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    keep = parts.scheme == "ssh" and ":" not in user
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}" if keep else host))


def _bad(text: str, why: str) -> BadReference:
    return BadReference(f"{text!r} cannot be installed: {why}", hint=_HINT)
