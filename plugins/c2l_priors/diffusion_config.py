"""The settings beside or inside a checkpoint of the authors' code.

They wrote them with OmegaConf and did not resolve its ``${...}``; a plain reader of YAML sees those
as strings. Everything is read without OmegaConf, and nothing in it is executed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from c2l.errors import BadWeights
from c2l.reading import InertObject

LARGEST_YAML = 1 << 16
MOST_BRACKETS = 300
DEEPEST = 16
MOST_VALUES = 10_000
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_ABSENT = object()
_PARTS = ("model.network", "model.diffusion", "data")


class Config:
    """Settings by dotted path, with references followed.

    Args:
        values: nested dictionaries and lists.
        origin: where they were found, for messages.
    """

    def __init__(self, values: dict[str, Any], origin: str) -> None:
        self.values = values
        self.origin = origin

    def has_section(self, path: str) -> bool:
        """Whether there are settings below a path."""
        return isinstance(self._find(path, 0), dict)

    def number(self, path: str, default: float) -> float:
        """Raises ``BadWeights`` unless the value, where there is one, is a number."""
        value = self._find(path, 0)
        if value is _ABSENT or value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(path, value, "a number")
        return value

    def flag(self, path: str, default: bool) -> bool:
        """Raises ``BadWeights`` unless the value, where there is one, is true or false."""
        value = self._find(path, 0)
        if value is _ABSENT or value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(path, value, "true or false")
        return value

    def numbers(self, path: str) -> tuple[int, ...] | None:
        """A list of whole positive numbers, if there is one; else raises ``BadWeights``."""
        value = self._find(path, 0)
        if value is _ABSENT or value is None:
            return None
        if not (isinstance(value, list) and all(type(n) is int and 0 < n < 1000 for n in value)):
            raise self._wrong(path, value, "a list of numbers")
        return tuple(value)

    def _find(self, path: str, depth: int) -> Any:
        value: Any = self.values
        for part in path.split("."):
            if not isinstance(value, dict) or part not in value:
                return _ABSENT
            value = value[part]
        if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
            if depth == DEEPEST:
                raise self._wrong(path, value, "a value: it refers to itself")
            return self._find(match[1], depth + 1)
        return value

    def _wrong(self, path: str, value: Any, wanted: str) -> BadWeights:
        shown = value if isinstance(value, str | int | float) else type(value).__name__
        return BadWeights(
            f"{path} in {self.origin} is {str(shown)[:60]!r}, not {wanted}",
            hint="Put the yaml that was published with the checkpoint beside it",
        )


def find_config(checkpoint: Path, inside: Any) -> tuple[Config, tuple[str, ...]]:
    """The settings inside a checkpoint, else those of a yaml beside it; empty without any.

    What lies beside a file may be another tool's: it is a prior's if it has the parts that the
    authors' code cannot do without.

    Args:
        checkpoint: its path; ``STEM.yaml`` comes before ``config.yaml``.
        inside: what the checkpoint holds as its settings, as read inertly; None: nothing.
    Returns:
        the settings, and lines that say where they come from, whose subject is the checkpoint.
    Raises:
        BadWeights: a yaml of the checkpoint's own name cannot be read.
    """
    values = None if inside is None else _plain(inside, [MOST_VALUES], 0)
    if isinstance(values, dict) and not _missing(values):
        return Config(values, str(checkpoint)), ()
    passed_over = []
    own = checkpoint.with_suffix(".yaml")
    for path in dict.fromkeys((own, checkpoint.with_name("config.yaml"))):
        if not path.is_file():
            continue
        try:
            values = _read_yaml(path)
        except BadWeights:
            if path == own:
                raise
            passed_over.append(f"it does not use {path.name}, which cannot be read")
            continue
        missing = _missing(values)
        if not missing:
            return Config(values, str(path)), (f"it takes its settings from {path.name}",)
        passed_over.append(
            f"it does not use {path.name}, which is no prior's: it lacks {', '.join(missing)}"
        )
    return Config({}, str(checkpoint)), (*passed_over, "its settings are taken to be the authors'")


def _missing(values: dict[str, Any]) -> list[str]:
    """The parts that settings of a prior must have, and these have not."""
    config = Config(values, "")
    return [part for part in _PARTS if not config.has_section(part)]


def _read_yaml(path: Path) -> dict[str, Any]:
    problem = ""
    try:
        if path.stat().st_size > LARGEST_YAML:
            problem = "it is too large"
        else:
            text = path.read_text(encoding="utf-8")
            # The reader's time grows with the square of nested brackets; with aliases, a small
            # file can ask for any amount of memory.
            if text.count("[") + text.count("{") > MOST_BRACKETS:
                problem = "it is nested too deeply"
            elif any(isinstance(t, yaml.AliasEvent) for t in yaml.parse(text, yaml.SafeLoader)):
                problem = "it uses aliases"
            else:
                values = yaml.safe_load(text)
                if isinstance(values, dict):
                    return values
                problem = "it is not a mapping"
    except (yaml.YAMLError, OSError, ValueError, TypeError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
    raise BadWeights(
        f"cannot read the settings in {path}: {problem}", hint="Fetch or copy the yaml again"
    )


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """OmegaConf's objects, as they lie in a pickle, to dictionaries, lists and values."""
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        return None
    if isinstance(value, InertObject):
        state = value.state if isinstance(value.state, dict) else value.items
        if "_content" in state:
            return _plain(state["_content"], left, depth + 1)
        if "_val" in state:
            return _plain(state["_val"], left, depth + 1)
        return _plain(value.items or None, left, depth + 1)
    if isinstance(value, dict):
        return {k: _plain(v, left, depth + 1) for k, v in value.items() if isinstance(k, str)}
    if isinstance(value, list | tuple):
        return [_plain(v, left, depth + 1) for v in value]
    return value if isinstance(value, str | int | float | bool) else None
