"""TorchScript and torch.export files: both are zip archives, told apart by what they list."""

from __future__ import annotations

import struct
import zipfile
from contextlib import suppress
from pathlib import Path

from c2l.errors import BadWeights
from c2l.reading import TorchFile, refuse_stand_in

_MOST_DIRECTORY = 1 << 24
_SPARE = 1 << 26
_OTHER_WAYS = (
    "Save the network itself, with torch.jit.trace(model, z).save('g.pt'), or give the live module "
    "to c2l.wrap"
)


def recognises_torchscript(path: Path) -> bool:
    """Whether an archive lists what ``torch.jit.save`` writes."""
    return _is_torchscript(_names(path))


def recognises_export(path: Path) -> bool:
    """Whether an archive lists what ``torch.export.save`` writes, today or before torch 2.7."""
    return _is_export(_names(path))


def check_torchscript(path: Path) -> None:
    """Refuse what ``torch.jit.load`` should not open, without unpickling anything.

    Raises:
        BadWeights: it is another file, is cut off, or would grow out of all proportion.
    """
    refuse_stand_in(path)
    names = _checked_names(path)
    if not _is_torchscript(names):
        raise BadWeights(f"{path} {_what_else(path, names)}", hint=_OTHER_WAYS)


def check_export(path: Path) -> None:
    """As ``check_torchscript``, for ``torch.export.load``."""
    refuse_stand_in(path)
    names = _checked_names(path)
    if any(name.endswith((".so", ".pyd", ".dll")) for name in names):
        raise BadWeights(
            f"{path} holds machine code, made by AOTInductor",
            hint="Give the file of torch.export.save that it was compiled from",
        )
    if not _is_export(names):
        raise BadWeights(f"{path} {_what_else(path, names)}", hint=_OTHER_WAYS)


def _is_torchscript(names: list[str]) -> bool:
    ends = {name.partition("/")[2] for name in names}
    return {"data.pkl", "constants.pkl"} <= ends and any(e.startswith("code/") for e in ends)


def _is_export(names: list[str]) -> bool:
    ends = {name.partition("/")[2] for name in names}
    models = [e for e in ends if e.startswith("models/") and e.endswith(".json")]
    return ("archive_format" in ends and bool(models)) or (
        "serialized_exported_program.json" in names
    )


def _names(path: Path) -> list[str]:
    with suppress(OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return [entry.filename for entry in _entries(path)]
    return []


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return []
        size = file.seek(0, 2)
        tail = file.seek(max(0, size - 22 - 0xFFFF))
        end = (data := file.read()).rfind(b"PK\x05\x06")
        if end < 0 or end + 22 > len(data):
            raise zipfile.BadZipFile(f"no end after {tail}")
        (length,) = struct.unpack_from("<I", data, end + 12)
        if _MOST_DIRECTORY < length < 0xFFFFFFFF:
            raise zipfile.BadZipFile("its table of contents is larger than its contents")
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()


def _checked_names(path: Path) -> list[str]:
    """What an archive lists; empty for a file that is none."""
    try:
        entries, size = _entries(path), path.stat().st_size
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadWeights(
            f"{path} is cut off or damaged: {error}", hint="Fetch or copy it again"
        ) from error
    if sum(entry.file_size for entry in entries) > 2 * size + _SPARE:
        raise BadWeights(
            f"{path} would grow to many times its size when it is opened",
            hint="Do not open it; ask whoever made it",
        )
    return [entry.filename for entry in entries]


def _what_else(path: Path, names: list[str]) -> str:
    """What a file is that is not the one wanted: the end of a sentence."""
    if _is_export(names):
        return f"is a file of torch.export, not of TorchScript; write export:{path}"
    if _is_torchscript(names):
        return f"is a file of TorchScript, not of torch.export; write torchscript:{path}"
    with path.open("rb") as file:
        start = file.read(1)
    if not (any(name.endswith("data.pkl") for name in names) or start == b"\x80"):
        return "is neither a file of TorchScript nor of torch.export"
    try:
        with TorchFile(path):
            return "holds weights alone (a state dict), and not the network that uses them"
    except BadWeights:
        return "is a pickled module of torch.save, which is never unpickled: that may run any code"
