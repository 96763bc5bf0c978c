"""Inert readers of other people's weight files. Nothing in a file is imported, called or run.

- ``read_pickle``: a pickle as plain data; classes stay a ``Name``, objects an ``InertObject``.
- ``TorchFile``: a checkpoint of ``torch.save``, in today's zip format or the one before it.
- ``named_tensors``, ``named_objects``: what such a file holds, however deep it was put.
- ``unwrapped``: the file inside a ``.gz`` or ``.zip``. c2l itself calls it before any plugin reads.
- ``explain_damage``: everything that can go wrong inside a file, as one ``BadWeights``.
- ``refuse_stand_in``: a web page, a Git LFS pointer or nothing in place of weights.
- ``unfilled``: networks whose shapes are compared with those of a file before they take memory.

Plugins read foreign files through these.
"""

from c2l.reading.containers import (
    DTYPES,
    Damaged,
    check_length,
    is_legacy,
    read_legacy,
    storage_of,
)
from c2l.reading.named import attributes_of, named_objects, named_tensors
from c2l.reading.pickles import BadPickle, InertObject, Name, Persistent, read_pickle
from c2l.reading.stand_ins import refuse_stand_in
from c2l.reading.torch_files import (
    StoredTensor,
    TorchFile,
    checked_layout,
    explain_damage,
    read_beginning,
)
from c2l.reading.wrapped import is_wrapped, unwrapped
from c2l.weightless import unfilled

__all__ = [
    "read_pickle",
    "Name",
    "InertObject",
    "Persistent",
    "BadPickle",
    "TorchFile",
    "StoredTensor",
    "unwrapped",
    "is_wrapped",
    "named_tensors",
    "named_objects",
    "attributes_of",
    "read_beginning",
    "explain_damage",
    "refuse_stand_in",
    "unfilled",
    "checked_layout",
    "Damaged",
    "DTYPES",
    "is_legacy",
    "read_legacy",
    "check_length",
    "storage_of",
]
