"""What a user decided about plugins, in one file: which are left out, and which were installed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from c2l_registry.errors import NotReadable
from c2l_registry.files import write_atomically
from c2l_registry.paths import ANOTHER_HOME
from c2l_registry.weights import home_folder


@dataclass(frozen=True)
class Choices:
    """The content of the file.

    Args:
        disabled: names of plugins, or of their packages.
        installed: what to give pip for each package of plugins, by the folder of its Python.
    """

    disabled: tuple[str, ...] = ()
    installed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def here(self) -> Mapping[str, str]:
        """What was installed into the Python that is running."""
        return self.installed.get(_this_python(), {})

    def with_here(self, packages: Mapping[str, str]) -> Choices:
        """With other packages for this Python."""
        return replace(self, installed={**self.installed, _this_python(): dict(packages)})


def choices_file(environ: Mapping[str, str]) -> Path:
    """The file: in ``C2L_HOME``, or where the platform keeps a user's settings.

    Raises:
        BadPath, NotReadable: there is no such folder.
    """
    if environ.get("C2L_HOME"):
        return home_folder(environ) / "plugins.json"
    from platformdirs import user_config_path

    folder = user_config_path("c2l", appauthor=False)
    if not folder.is_absolute():  # the system could not expand ~
        raise NotReadable("this user has no home folder for settings", hint=ANOTHER_HOME)
    return folder / "plugins.json"


def read_choices(environ: Mapping[str, str]) -> Choices:
    """What was decided; nothing, if there is no file.

    Raises:
        BadPath: ``C2L_HOME`` is not a path.
        NotReadable: the file cannot be read, or is not one that c2l wrote.
    """
    path = choices_file(environ)
    try:
        return _checked(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return Choices()
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, PermissionError) and not os.access(path.parent, os.X_OK):
            return Choices()  # a barred folder says so where its weights are needed
        reason = getattr(error, "strerror", None) or "it is not what c2l wrote there"
        raise NotReadable(
            f"cannot read {path}, which lists disabled plugins: {reason}",
            hint="Correct it, or remove it",
        ) from error


def change_choices(environ: Mapping[str, str], change: Callable[[Choices], Choices]) -> None:
    """Read the file, change it and write it, while no other process does.

    Raises:
        BadPath, NotReadable: as ``read_choices``.
        NotWritable: its folder does not take it.
    """
    from filelock import FileLock

    from c2l_registry.paths import cannot_write

    path = choices_file(environ)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            before = read_choices(environ)
            after = change(before)
            if after != before:
                text = json.dumps(asdict(after), indent=1, ensure_ascii=False)
                write_atomically(path, text.encode())
    except OSError as error:
        raise cannot_write(path, error, hint=ANOTHER_HOME) from error


def _this_python() -> str:
    """The folder of this Python, without the version that Homebrew puts into it."""
    return re.sub(r"(?<=/Cellar/)([^/]+)/[^/]+", r"\1", sys.prefix)


def _checked(raw: Any) -> Choices:
    """Raises ``ValueError`` or ``TypeError`` for another structure."""
    choices = Choices(**raw)
    disabled, installed = choices.disabled, choices.installed
    tables = [installed, *installed.values()] if isinstance(installed, dict) else [None]
    if not isinstance(disabled, list) or not all(isinstance(table, dict) for table in tables):
        raise TypeError
    texts = [*disabled, *(text for table in tables[1:] for text in table.values())]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return replace(choices, disabled=tuple(disabled))
