"""Places to read from and write to: folders of this machine, and stores such as ``s3://``.

A place is a ``Path`` or a ``RemotePath``, and ``place_of`` makes either from what a user gives.
They share the few methods of ``pathlib`` that c2l uses, so that one code serves both. Whatever
comes from a store passes through ``asking.py``: repeated where the store is busy, refused where
it says no, and never half.
"""

from __future__ import annotations

from c2l.places.copies import kept_copy, naming, on_disk, written_by
from c2l.places.journal import Journal
from c2l.places.listing import list_place, read_many, remove_tree, write_many
from c2l.places.remote import Place, RemotePath, place_of

__all__ = [
    "Journal",
    "Place",
    "RemotePath",
    "kept_copy",
    "list_place",
    "naming",
    "on_disk",
    "place_of",
    "read_many",
    "remove_tree",
    "write_many",
    "written_by",
]
