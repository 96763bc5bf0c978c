"""References, ``kind:name``, a path or an address, and the one place where they are parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from c2l_registry.addresses import check_address, is_address
from c2l_registry.errors import BadReference, NotReadable
from c2l_registry.kinds import KIND
from c2l_registry.paths import expand_path, is_there, is_unicode

_PATH = re.compile(r"\.{1,2}[/\\]|/|~|[A-Za-z]:[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_SPELLINGS = "Write kind:name, as in stylegan:ffhq-1024, or a path, as in ./{example}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference; ``str()`` gives back the text.

    Args:
        kind: the word before the colon; empty for a bare path.
        name: a name in the catalogue, a path, or an address such as ``s3://bucket/file``.
    """

    kind: str
    name: str

    @property
    def is_path(self) -> bool:
        """Whether the name is a path: it starts with ``./``, ``../``, ``/``, ``~`` or a drive."""
        return _PATH.match(self.name) is not None

    @property
    def is_address(self) -> bool:
        """Whether the name is the address of something in a store."""
        return is_address(self.name)

    @property
    def in_catalogue(self) -> bool:
        """Whether the name is one of the catalogue: neither a path nor an address."""
        return not (self.is_path or self.is_address)

    @property
    def path(self) -> Path:
        """The name as a path, with ``~`` expanded; only where ``is_path``.

        Raises:
            BadPath: the home folder of an unknown user.
        """
        return expand_path(self.name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.kind else self.name


def parse_reference(text: str) -> Reference:
    """Parse a reference.

    Args:
        text: ``kind:name``, ``kind:path``, ``kind:address``, or a path or an address alone. A path
            starts with ``./``, ``../``, ``/``, ``~`` or a drive letter, an address with a scheme
            and ``://``; both may contain spaces, a name may not. A Windows drive letter is not a
            kind.
    Raises:
        BadReference: it is none of these; the hint shows the valid forms.
        BadPath: an address that holds more than a place.
    """
    if not text.strip():
        raise _bad("a reference is empty")
    if not is_unicode(text):
        raise BadReference(f"the reference {text!r} is not valid UTF-8", hint="Rename the file")
    if _CONTROL.search(text):
        raise _bad(f"the reference {text!r} contains a line break or another control character")
    if text != text.strip():
        raise _bad(f"the reference {text!r} starts or ends with a space")
    if _PATH.match(text):
        return Reference("", text)
    if is_address(text):
        return Reference("", check_address(text))
    kind, colon, name = text.partition(":")
    if not colon:
        problem = f"{text!r} is neither kind:name nor a path"
        if names_a_file(text):
            raise BadReference(problem, hint=f"For the file of that name, write ./{text}")
        raise _bad(problem, example=text)
    if not KIND.fullmatch(kind):
        raise _bad(f"{kind!r} in {text!r} is not a kind: two or more of a-z, 0-9 and '-'")
    if not name:
        raise _bad(f"{text!r} has no name after the colon")
    if _PATH.match(name):
        return Reference(kind, name)
    if is_address(name):
        return Reference(kind, check_address(name))
    if re.search(r"\s", name):
        raise _bad(f"the name in {text!r} contains a space", example=name)
    # Names become folders under the weights folder and must not lead out of it.
    if any(part in {"", ".", ".."} for part in re.split(r"[/\\]", name)):
        raise _bad(f"the name in {text!r} has an empty part, '.' or '..'")
    return Reference(kind, name)


def means_a_path(text: str) -> bool:
    """Whether a text is written as a path or an address, with a kind or without.

    Also where it does not parse.
    """
    kind, _, name = text.partition(":")
    return not (Reference("", text).in_catalogue and Reference(kind, name).in_catalogue)


def names_a_file(text: str) -> bool:
    """Whether a text that is not a path would be one with ``./`` before it."""
    try:
        return bool(text) and is_there(Path(text))
    except (NotReadable, ValueError):  # too long, or not the name of any file
        return False


def _bad(message: str, example: str = "faces.safetensors") -> BadReference:
    return BadReference(message, hint=_SPELLINGS.format(example=example))
