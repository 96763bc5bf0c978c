"""``RemotePath``: something in a store, with the few methods of ``Path`` that c2l uses.

Objects are written with one put each: they appear whole, or not at all. They are read with one
get, whose length is compared with what the store says. No listing is ever kept.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from c2l.errors import BadInput, BadPath, NotWritable
from c2l.interrupt import interrupts_wait
from c2l.places import asking
from c2l_registry.addresses import check_address, is_address, shortened_address

T = TypeVar("T")


class Stat(NamedTuple):
    """As ``os.stat`` gives it, as far as a store knows.

    Args:
        st_size: in bytes.
        st_mtime: when it was written, by the store's clock; 0 where the store does not say.
    """

    st_size: int
    st_mtime: float

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Stat:
        """From what fsspec says, in the words of each package."""
        words = ("LastModified", "mtime", "updated", "created")
        time = next(filter(None, map(info.get, words)), 0)
        return cls(int(info.get("size") or 0), _seconds(time))


class Entry(NamedTuple):
    """One name in a folder, as ``os.scandir`` gives it."""

    name: str
    info: Mapping[str, Any]

    def stat(self) -> Stat:
        return Stat.of(self.info)


@dataclass(frozen=True, order=True)
class RemotePath:
    """An address; it holds no key and no connection, and travels between processes.

    Args:
        scheme: as in ``s3``.
        key: the bucket and the names in it, without slashes at its ends.
    """

    scheme: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.key}"

    def __truediv__(self, other: str | PurePath) -> RemotePath:
        parts = self.key.split("/")
        for part in PurePath(other).parts:
            parts = parts[:-1] if part == ".." and len(parts) > 1 else [*parts, part]
        return RemotePath(self.scheme, "/".join(parts))

    # -- names, as of a Path

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.key)

    @property
    def name(self) -> str:
        return self._pure.name

    @property
    def stem(self) -> str:
        return self._pure.stem

    @property
    def suffix(self) -> str:
        return self._pure.suffix

    @property
    def parent(self) -> RemotePath:
        """The folder; the bucket is its own."""
        above = str(self._pure.parent)
        return self if above == "." else RemotePath(self.scheme, above)

    def with_name(self, name: str) -> RemotePath:
        return RemotePath(self.scheme, str(self._pure.with_name(name)))

    def with_suffix(self, suffix: str) -> RemotePath:
        return RemotePath(self.scheme, str(self._pure.with_suffix(suffix)))

    def absolute(self) -> RemotePath:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        if self.scheme == "memory":
            raise BadInput(
                f"{self} lies in the memory of one process, and others cannot see it",
                hint="Use `workers=1`, or another place",
                field="workers",
            )
        return type(self), (self.scheme, self.key)

    # -- questions

    def stat(self) -> Stat:
        """The size. Raises ``FileNotFoundError`` for what is no object, folders included."""
        return Stat.of(self._ask("read", self._object))

    def exists(self) -> bool:
        return self._kind() is not None

    def is_file(self) -> bool:
        return self._kind() == "file"

    def is_dir(self) -> bool:
        """Whether objects lie below this address."""
        return self._kind() == "directory"

    def scan(self) -> Iterator[Entry]:
        """What lies in this folder, asked anew.

        Raises:
            FileNotFoundError: nothing does.
            StoreUnreachable: the store goes on giving an old list.
        """
        yield from self._ask("list", self._entries)

    def iterdir(self) -> Iterator[RemotePath]:
        for entry in self.scan():
            yield self / entry.name

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Names in this folder that match; none where there is no folder."""
        try:
            found = list(self.scan())
        except FileNotFoundError:
            return
        for entry in found:
            if fnmatch.fnmatchcase(entry.name, pattern):
                yield self / entry.name

    # -- contents

    def read_bytes(self) -> bytes:
        """All of it. Raises ``FileNotFoundError``."""

        def read(fs: Any) -> bytes:
            return self._exactly(fs, 0, Stat.of(self._object(fs)).st_size)

        return self._ask("read", read)

    def read_range(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to before ``stop``, which lie within the object."""
        return self._ask("read", lambda fs: self._exactly(fs, start, stop))

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes) -> None:
        """Put an object: others see the old one or the new one. Ctrl-C waits until it is there."""
        self.check_writable()

        def put(fs: Any) -> None:
            with interrupts_wait():  # some file systems would put what they have so far
                fs.pipe_file(str(self), data)
                _newest[self.parent] = self.name

        self._ask("write", put)

    def create(self, data: bytes) -> bool:
        """Put an object unless there is one; of several who do so at once, one does. Says whether.

        Where a store cannot promise that, the last one wins.
        """
        self.check_writable()

        def put(fs: Any) -> bool:
            try:
                with interrupts_wait():
                    fs.pipe_file(str(self), data, mode="create")
                    _newest[self.parent] = self.name
            except FileExistsError:
                return False
            return True

        created = self._ask("write", put)
        # An answer that was lost may have been a yes.
        return created or self.read_bytes() == data

    def unlink(self, missing_ok: bool = False) -> None:
        if _newest.get(self.parent) == self.name:
            del _newest[self.parent]
        try:
            self._ask("remove", lambda fs: fs.rm_file(str(self)))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a store has no folders, only names with slashes."""

    def check_writable(self) -> None:
        """Refuse stores in which an object could be half there, or would be a commit of its own.

        Raises:
            NotWritable
        """
        if self.scheme in _FILE_SERVERS:
            raise NotWritable(
                f"cannot write {self}: a file server takes files in pieces",
                hint="Mount it as a folder, which is written atomically",
            )
        if self.scheme == "hf" and not self.key.startswith("buckets/"):
            raise NotWritable(
                f"cannot write {self}: on the Hub, every file of a repository is a commit",
                hint="Use a bucket: hf://buckets/USER/BUCKET/…",
            )

    # -- the store

    def _ask(self, verb: str, call: Callable[[Any], T]) -> T:
        address = str(self)
        fs = asking.file_system(address)
        return asking.ask(address, verb, lambda: call(fs))

    def _info(self, fs: Any) -> dict[str, Any]:
        fs.invalidate_cache()
        return dict(fs.info(str(self)))

    def _object(self, fs: Any) -> dict[str, Any]:
        info = self._info(fs)
        if info.get("type") == "directory":
            raise FileNotFoundError(str(self))
        if info.get("size") is None:
            raise ValueError("the store does not say how long it is")
        return info

    def _kind(self) -> str | None:
        try:
            return str(self._ask("read", self._info)["type"])
        except FileNotFoundError:
            return None

    def _exactly(self, fs: Any, start: int, stop: int) -> bytes:
        # Both ends are given, since s3fs reads whole objects in pieces and fills gaps with zeros.
        data = bytes(fs.cat_file(str(self), start=start, end=stop)) if stop > start else b""
        if len(data) != stop - start:
            raise asking.CutOff(f"{len(data):,} bytes came, not {stop - start:,}")
        return data

    def _entries(self, fs: Any) -> list[Entry]:
        fs.invalidate_cache()
        try:
            rows = fs.ls(str(self), detail=True)
        except FileNotFoundError:
            self._refuse_old([])
            raise
        own = fs._strip_protocol(str(self)).strip("/")  # some stores list a folder in itself
        names = [row["name"].strip("/") for row in rows]
        entries = [
            Entry(name.rpartition("/")[2], row)
            for name, row in zip(names, rows, strict=True)
            if name != own
        ]
        self._refuse_old(entries)
        return entries

    def _refuse_old(self, entries: list[Entry]) -> None:
        """Raises ``OldListing`` where what this process wrote last is there and not listed."""
        newest = _newest.get(self)
        if newest is None or any(entry.name == newest for entry in entries):
            return
        if (self / newest).exists():
            raise asking.OldListing(f"the list lacks {newest}, which was just written")
        del _newest[self]  # somebody else removed it


_FILE_SERVERS = frozenset(
    {"sftp", "ssh", "ftp", "smb", "hdfs", "arrow_hdfs", "webhdfs", "webdav", "dbfs"}
)

_newest: dict[RemotePath, str] = {}
"""What this process wrote last into each folder: a list without it is an old one."""

Place: TypeAlias = Path | RemotePath


def _seconds(time: Any) -> float:
    """Since 1970, from a date, a text or a number."""
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    return time.timestamp() if isinstance(time, datetime) else float(time)


def place_of(given: str | Place) -> Place:
    """What a user names: a path of this machine, or an address such as ``s3://bucket/faces``.

    Raises:
        BadPath: an address that names no place, or holds more than a place.
    """
    if isinstance(given, RemotePath):
        return given
    if isinstance(given, Path):
        if scheme := shortened_address(given.as_posix()):
            raise BadPath(
                f"an address {scheme}://… became a pathlib.Path, which drops a slash",
                hint="Give it as a text",
            )
        return given
    if not is_address(given):
        return Path(given)
    scheme, _, key = check_address(given).partition("://")
    if scheme.lower() in {"file", "local"}:
        return Path(unquote(urlsplit(given).path))
    return RemotePath(scheme.lower(), "/".join(part for part in key.split("/") if part))


def check_local(given: str | Path, *, field: str = "") -> Path:
    """Refuse the address of a store where only a local path will do.

    Args:
        field: what the error names as its field.
    Returns:
        The path.
    Raises:
        BadPath: it is an address, or was one before it became a ``Path``.
    """
    address = is_address(given) if isinstance(given, str) else shortened_address(given.as_posix())
    if not address:
        return Path(given)
    what = f"`{field}`" if field else "this"
    raise BadPath(
        f"{what} is a path of this machine, not an address of a store",
        hint="Use a folder here, and copy it",
        field=field,
    )
