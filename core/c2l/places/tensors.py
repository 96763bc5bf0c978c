"""The header of a safetensors file, wherever it lies, without its tensors."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from c2l.places.remote import Place, RemotePath

_FIRST = 8
_LONGEST = 100_000_000
"""Bytes of a header, as safetensors itself allows."""


def read_metadata(place: Place) -> dict[str, str]:
    """The texts in a safetensors file; of one in a store, two short ranges are read.

    Raises:
        SafetensorError: it is no such file, or cut off.
        OSError: it cannot be read, or is not there.
    """
    if isinstance(place, Path):
        with safe_open(place, framework="pt") as file:
            return dict(file.metadata() or {})
    header = _header(place, place.stat().st_size)
    return {str(name): str(text) for name, text in header.get("__metadata__", {}).items()}


def _header(place: RemotePath, size: int) -> dict[str, dict[str, object]]:
    length = int.from_bytes(place.read_range(0, min(size, _FIRST)), "little")
    start = _FIRST + length
    if size < _FIRST or length > _LONGEST or start > size:
        raise SafetensorError("its header is too large, or cut off")
    try:
        header = json.loads(place.read_range(_FIRST, start))
        ends = [row["data_offsets"][1] for name, row in header.items() if name != "__metadata__"]
        if start + max(ends, default=0) != size:
            raise SafetensorError(f"it has {size:,} bytes, and its header says otherwise")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SafetensorError(f"its header is damaged: {error}") from error
    return dict(header)
