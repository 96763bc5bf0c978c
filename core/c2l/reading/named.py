"""What a checkpoint holds, by dotted names, however deep somebody's script put it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from c2l.reading.containers import Damaged
from c2l.reading.pickles import InertObject, Name

_DEEPEST = 24
_MOST = 200_000
_TABLES = ("_parameters", "_buffers", "_modules")
_RECORD = Name("torch_utils.persistence", "_reconstruct_persistent_obj")
_TENSORS = {Name("torch._utils", name) for name in ("_rebuild_tensor_v2", "_rebuild_parameter")}


def attributes_of(value: Any) -> dict[Any, Any]:
    """The attributes of an object that was pickled whole, NVIDIA's records included; else {}."""
    if not isinstance(value, InertObject):
        return {}
    state = value.state
    if value.cls == _RECORD:
        told = value.args[0] if value.args and isinstance(value.args[0], dict) else {}
        state = told.get("state")
    return state if isinstance(state, dict) else {}


def _members_of(value: Any) -> dict[Any, Any]:
    """What lies one step below a dictionary or an object; a module's tensors and modules."""
    if isinstance(value, dict):
        return value
    found = attributes_of(value)
    if "_modules" not in found:
        return found
    tables = (found.get(table) for table in _TABLES)
    return {k: v for table in tables if isinstance(table, dict) for k, v in table.items()}


def named_tensors(root: Any) -> dict[str, Any]:
    """All tensors below ``root`` by dotted names, as ``TorchFile.tensor`` takes them.

    Dictionaries, torch's modules that were pickled whole, and other objects with attributes are
    looked into; what has no text for a name, as in the state of an optimiser, is passed over.

    Raises:
        Damaged: it is nested too deeply, or holds one thing in very many places.
    """
    return {name: value for name, value in _walk(root) if value.cls in _TENSORS}


def named_objects(root: Any) -> dict[str, InertObject]:
    """All other objects, as ``named_tensors`` finds tensors; ``root`` itself has the name ""."""
    return {name: value for name, value in _walk(root) if value.cls not in _TENSORS}


def _walk(root: Any) -> Iterator[tuple[str, InertObject]]:
    left = _MOST
    todo = [("", root, 0)]
    while todo:
        name, value, depth = todo.pop()
        left -= 1
        if depth > _DEEPEST or left < 0:
            raise Damaged("it is nested too deeply")
        if isinstance(value, InertObject):
            yield name, value
            if value.cls in _TENSORS:
                continue
        below = [
            (f"{name}.{key}" if name else key, member, depth + 1)
            for key, member in _members_of(value).items()
            if isinstance(key, str) and isinstance(member, (dict, InertObject))
        ]
        todo.extend(reversed(below))
