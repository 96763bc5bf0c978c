"""References, ``kind:name`` or a path: the one place where they are parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from c2l_registry.errors import BadReference
from c2l_registry.kinds import KIND

if TYPE_CHECKING:
    from c2l_registry.cards import ModelCard

_PATH = re.compile(r"\.{1,2}[/\\]|/|~|[A-Za-z]:[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_SPELLINGS = "Write kind:name, as in stylegan:ffhq-1024, or a path, as in ./{example}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference taken apart; ``str()`` puts it together again.

    Args:
        kind: the word before the colon; empty for a bare path.
        name: a name of the catalogue, or a path.
    """

    kind: str
    name: str

    @property
    def is_path(self) -> bool:
        """Whether the name is a path: it starts with ``./``, ``../``, ``/``, ``~`` or a drive."""
        return _PATH.match(self.name) is not None

    @property
    def path(self) -> Path:
        """The name as a path, with ``~`` expanded; only where ``is_path``."""
        return Path(self.name).expanduser()

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.kind else self.name


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference was resolved to, and what a class's ``load`` is given.

    Args:
        reference: as the user wrote it.
        path: the file or folder on this machine; None where the class needs none, or finds its
            weights itself.
        card: the catalogue's card; None for a path, and for a name that no card lists.
    """

    reference: Reference
    path: Path | None
    card: ModelCard | None


def parse_reference(text: str) -> Reference:
    """Take a reference apart.

    Args:
        text: ``kind:name``, ``kind:path`` or a bare path. A path starts with ``./``, ``../``,
            ``/``, ``~`` or a drive letter and may contain spaces; a name may not. A Windows drive
            letter is not a kind.
    Raises:
        BadReference: it is none of the three; the hint shows the valid spellings.
    """
    if not text.strip():
        raise _bad("an empty reference")
    if text != text.strip() or _CONTROL.search(text):
        raise _bad(f"the reference {text!r} has white space where none may be")
    if _PATH.match(text):
        return Reference("", text)
    kind, colon, name = text.partition(":")
    if not colon:
        problem = f"{text!r} is neither kind:name nor a path"
        if Path(text).exists():
            raise BadReference(problem, hint=f"For the file of that name write ./{text}")
        raise _bad(problem, example=text)
    if not KIND.fullmatch(kind):
        raise _bad(f"{kind!r} in {text!r} is not a kind: a-z, 0-9 and '-', two or more")
    if not name:
        raise _bad(f"{text!r} has no name after the colon")
    if _PATH.match(name):
        return Reference(kind, name)
    if re.search(r"\s", name):
        raise _bad(f"the name in {text!r} has a space", example=name)
    # Names become folders under the weights folder and must not lead out of it.
    if any(part in {"", ".", ".."} for part in re.split(r"[/\\]", name)):
        raise _bad(f"the name in {text!r} is not a plain name")
    return Reference(kind, name)


def _bad(message: str, example: str = "faces.safetensors") -> BadReference:
    return BadReference(message, hint=_SPELLINGS.format(example=example))
