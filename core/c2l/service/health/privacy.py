"""Texts fit for an issue: no home folder, no user's name, no password, no token."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Any

_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_TOKEN = re.compile(r"\b(hf|ghp|gho|glpat|sk)[_-][A-Za-z0-9_-]{8,}")
_NOBODY = {"", "root"}


def without_secrets(value: Any) -> Any:
    """A text, or all texts in lists and tables, without what is nobody else's business."""
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, (list, tuple)):
        return [without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {name: without_secrets(item) for name, item in value.items()}
    return value


def _plain(text: str) -> str:
    for home in _homes():
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    if (user := _user()) not in _NOBODY:
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(user)}(?![A-Za-z0-9])", "USER", text)
    return _TOKEN.sub(r"\1_…", _LOGIN.sub("", text))


def _homes() -> list[str]:
    """The home folder as it is called, and where it really lies; none in a container's root."""
    try:
        home = Path.home()
        names = {str(home), str(home.resolve())}
    except (RuntimeError, OSError):
        return []
    return sorted((name for name in names if len(Path(name).parts) > 1), key=len, reverse=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a made-up user id
        return ""
