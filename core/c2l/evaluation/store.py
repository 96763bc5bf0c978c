"""What an unfinished evaluation has seen so far, batch by batch, so that it can be resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from c2l.errors import BadInput
from c2l.evaluation.observations import Observations
from c2l.files import remove_partials, write_atomically
from c2l.places import Place, list_place, remove_tree

SETTINGS = "settings.json"


class Store:
    """Batches of observations by name, in a folder, or in memory where there is none.

    Args:
        folder: the ``parts`` of an evaluation's folder. It is created with the first batch, so
            that an evaluation that fails before leaves nothing behind.
        settings: of the evaluation, JSON-able.
    Raises:
        BadInput: the folder holds batches of another evaluation; names the settings that differ.
    """

    def __init__(self, folder: Place | None, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self._started = False
        self._memory: dict[str, Observations] = {}
        if folder is None:
            return
        remove_partials(folder)
        # A folder in which nothing was drawn yet may be taken over.
        if folder.is_dir() and any(part.name != SETTINGS for part in list_place(folder)):
            refuse_other(folder.parent, _read_settings(folder), settings)
            self._started = True

    @classmethod
    def of_helper(cls, folder: Place, settings: Mapping[str, Any]) -> Self:
        """The store of another process, which has checked it and clears it in the end."""
        store = cls(None, settings)
        store._folder = folder
        return store

    def load(self, name: str) -> Observations | None:
        """A batch; None if it has to be drawn: it is missing, damaged, or of another version."""
        if self._folder is None:
            return self._memory.get(name)
        try:
            return Observations.load(self._folder / name)
        except (OSError, ValueError):
            return None

    def save(self, name: str, batch: Observations) -> None:
        """Keep a batch: all of it or nothing."""
        if self._folder is None:
            self._memory[name] = batch
            return
        if not self._started:
            write_atomically(self._folder / SETTINGS, json.dumps(self._settings).encode())
            self._started = True
        batch.save(self._folder / name)

    def clear(self) -> None:
        """Remove the batches, once the evaluation is finished."""
        if self._folder is not None:
            remove_tree(self._folder)


def refuse_other(out: Place, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ``BadInput``, naming the settings in which two evaluations differ, if any do."""
    wanted = json.loads(json.dumps(wanted))
    different = [k for k in sorted({*found, *wanted}) if found.get(k) != wanted.get(k)]
    if different:
        raise BadInput(
            f"{out} holds an evaluation with different settings: {', '.join(different)}",
            hint="Choose another `out`, or remove that folder",
            field="out",
        )


def _read_settings(folder: Place) -> dict[str, Any]:
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if isinstance(settings, dict):
            return settings
        reason = "not an object"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise BadInput(
        f"the unfinished evaluation in {folder.parent} cannot be resumed: {SETTINGS}: {reason}",
        hint=f"Remove {folder}, or choose another `out`",
        field="out",
    )
