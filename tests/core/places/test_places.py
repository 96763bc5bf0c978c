"""A place in a store behaves as a folder of this machine does, as far as c2l uses it."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

import c2l
from c2l.errors import BadInput, BadPath, C2LError, MissingDependency, NotWritable
from c2l.files import remove_partials, write_atomically
from c2l.places import (
    Journal,
    Place,
    RemotePath,
    asking,
    list_place,
    on_disk,
    place_of,
    read_many,
    remove_tree,
    write_many,
    written_by,
)
from c2l.testing import ToyEmbedder, ToyGenerator

NAMES = st.from_regex(r"[a-zA-Z0-9_ü -]{1,8}(\.[a-z]{1,4})?", fullmatch=True).filter(str.strip)
FILES = st.dictionaries(NAMES, st.binary(max_size=200), max_size=6)


class Failing(MemoryFileSystem):
    """Memory whose lists are old, or whose puts and gets end as ``fault`` says."""

    protocol = "failing"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    cachable = False
    lists: ClassVar[list[list[Any]]] = []
    fault: ClassVar[BaseException | None] = None

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        rows = super().ls(path, detail=True)
        return type(self).lists.pop() if type(self).lists else rows

    def pipe_file(self, path: str, value: bytes, **keywords: Any) -> None:
        if type(self).fault is not None:
            raise type(self).fault
        super().pipe_file(path, value[: len(value) // 2], **keywords)
        signal.raise_signal(signal.SIGINT)
        super().pipe_file(path, value, **keywords)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Failing]]:
    fsspec.register_implementation("failing", Failing, clobber=True)
    monkeypatch.setattr(asking, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(Failing, "lists", [])
    monkeypatch.setattr(Failing, "fault", None)
    yield Failing
    Failing.store.clear()


def memory(name: str) -> RemotePath:
    place = place_of(f"memory://tests/{name}")
    assert isinstance(place, RemotePath)
    if place.is_dir():
        remove_tree(place)
    return place


@given(files=FILES)
def test_files_come_back_from_both_kinds_of_place(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    for folder in (tmp_path_factory.mktemp("files"), memory("files")):
        write_many(folder, files)
        seen = {e.name: e.stat().st_size for e in list_place(folder)} if files else {}
        assert seen == {name: len(data) for name, data in files.items()}
        assert list(read_many(folder, list(files))) == list(files.values())
        for name, data in files.items():
            place = folder / name
            assert place.exists() and place.is_file() and not place.is_dir()
            assert place.read_bytes() == data
            with on_disk(place) as path:
                assert path.read_bytes() == data
                assert path.name == name
            place.unlink()
            assert not place.exists()


@given(data=st.binary(max_size=300), cut=st.tuples(st.integers(0, 300), st.integers(0, 300)))
def test_ranges_are_slices(data: bytes, cut: tuple[int, int]) -> None:
    start, stop = sorted(min(end, len(data)) for end in cut)
    place = memory("ranges") / "x"
    write_atomically(place, data)
    assert place.read_range(start, stop) == data[start:stop]


@given(parts=st.lists(NAMES, min_size=2, max_size=4), suffix=st.sampled_from([".a", ".b.c", ""]))
def test_names_are_those_of_pathlib(parts: list[str], suffix: str) -> None:
    remote, path = RemotePath("s3", "/".join(parts)), Path("/", *parts)
    assert str(remote.parent / "x") == f"s3:/{path.parent / 'x'}"
    assert str(remote / "../x") == f"s3:/{path.parent / 'x'}"
    assert (remote.name, remote.stem, remote.suffix) == (path.name, path.stem, path.suffix)
    assert remote.with_suffix(suffix).name == path.with_suffix(suffix).name
    assert remote.with_name("x").name == "x"
    assert place_of(str(remote)) == remote == pickle.loads(pickle.dumps(remote))


@given(lines=st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"])), max_size=8))
def test_a_journal_holds_its_lines(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    for folder in (tmp_path_factory.mktemp("journal") / "deep", memory("journal")):
        journal = Journal(folder / "log")
        assert journal.lines() == []
        journal.begin(lines[:2])
        for line in lines[2:]:
            journal.add(line)
        journal.close()
        assert Journal(folder / "log").lines() == lines


def test_texts_and_paths_are_places(tmp_path: Path) -> None:
    assert place_of("x/y") == Path("x/y")
    assert place_of(tmp_path) is tmp_path
    assert place_of(f"file://{tmp_path}/x%20y") == tmp_path / "x y"
    assert place_of("S3://b//x/") == RemotePath("s3", "b/x")
    assert str(place_of("s3://b/a/b")) == "s3://b/a/b"
    with pytest.raises(BadPath, match=r"s3://… became a pathlib\.Path"):
        place_of(Path("s3://b/x"))


@pytest.mark.parametrize("make", [lambda tmp: tmp, lambda tmp: memory("written")])
def test_a_draft_that_fails_leaves_what_was_there(make: Any, tmp_path: Path) -> None:
    folder: Place = make(tmp_path)
    place = folder / "x"
    with written_by(place) as path:
        write_atomically(path, b"old")
    with pytest.raises(ZeroDivisionError), written_by(place) as path:
        draft = path if path != place else path.with_name("y")
        draft.write_bytes(b"half")
        raise ZeroDivisionError
    assert place.read_bytes() == b"old"
    remove_partials(folder)


def test_errors_of_copies_name_their_place() -> None:
    place = memory("copies") / "x"
    place.write_bytes(b"")
    with pytest.raises(C2LError) as caught, on_disk(place) as path:
        raise BadInput(f"{path} is bad", hint=f"Remove {path}")
    assert str(caught.value) == f"{place} is bad. Remove {place}"


def test_an_old_list_is_not_believed(failing: type[Failing]) -> None:
    folder = place_of("failing://old")
    assert isinstance(folder, RemotePath)
    with pytest.raises(KeyboardInterrupt):
        (folder / "x").write_bytes(b"1234")
    failing.lists = [[], []]
    assert [entry.name for entry in list_place(folder)] == ["x"]
    failing.lists = [[]] * 3
    with pytest.raises(C2LError, match="the list lacks x, which was just written"):
        list(list_place(folder))
    failing.store.clear()  # somebody else removed it
    with pytest.raises(FileNotFoundError):
        list(list_place(folder))


def test_ctrl_c_waits_for_a_put(failing: type[Failing]) -> None:
    place = place_of("failing://put/x")
    with pytest.raises(KeyboardInterrupt):
        place.write_bytes(b"0123456789")
    assert place.read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (PermissionError("no"), "StoreRefused"),
        (type("NoCredentialsError", (Exception,), {})("no keys"), "StoreRefused"),
        (TypeError("unexpected keyword"), "StoreRefused"),
        (OSError(5, "SlowDown"), "StoreUnreachable"),
        (type("ReadTimeoutError", (Exception,), {})("no answer"), "StoreUnreachable"),
        (type("HttpError", (Exception,), {"code": 429})("rate"), "StoreUnreachable"),
        (type("HttpError", (Exception,), {"code": 401})("who"), "StoreRefused"),
    ],
)
def test_what_may_change_is_asked_again(
    failing: type[Failing], error: Exception, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.fault = error
    waits: list[float] = []
    monkeypatch.setattr(asking.time, "sleep", waits.append)
    with pytest.raises(C2LError) as caught:
        place_of("failing://put/x").write_bytes(b"x")
    assert type(caught.value).__name__ == name
    assert caught.value.message.startswith("cannot write failing://put/x: ")
    assert len(waits) == (2 if name == "StoreUnreachable" else 0)


def test_what_a_package_says_is_told_without_keys(
    failing: type[Failing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "abc/def+ghijk")
    failing.fault = PermissionError(
        "403 for https://me:pw@host/x?X-Amz-Signature=deadbeef by AKIAEXAMPLE12345 abc/def+ghijk"
    )
    with pytest.raises(C2LError) as caught:
        place_of("failing://put/x").write_bytes(b"x")
    for secret in ("pw@", "deadbeef", "AKIAEXAMPLE", "abc/def"):
        assert secret not in str(caught.value)
    assert "403 for https://…@host/x?…" in caught.value.message


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(scheme: str) -> None:
        raise ImportError(f"Install {scheme}fs")

    with pytest.raises(BadInput, match="nowhere:// is not a store that fsspec knows"):
        place_of("nowhere://b/x").exists()
    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    for scheme, how in (("s3", "c2l[s3]"), ("gs", "c2l[gs]"), ("abfs", "Install abfsfs")):
        with pytest.raises(MissingDependency) as caught:
            place_of(f"{scheme}://b/x").exists()
        assert how in caught.value.hint


def test_the_hub_takes_files_in_buckets_alone() -> None:
    with pytest.raises(NotWritable, match="every file of a repository is a commit"):
        write_atomically(place_of("hf://datasets/me/x/y"), b"")


def test_file_servers_would_hold_halves() -> None:
    with pytest.raises(NotWritable, match="a file server takes files in pieces"):
        write_atomically(place_of("sftp://me@host/x"), b"")


def test_memory_is_not_shared_with_workers(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="others cannot see it"):
        pickle.dumps(place_of("memory://x"))


def test_pairs_are_the_same_in_memory(tmp_path: Path) -> None:
    remote = memory("pairs")
    for out in (tmp_path, str(remote)):
        c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 30, out, shard_size=10)
        c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 45, out, shard_size=10)
    assert {e.name: (remote / e.name).read_bytes() for e in list_place(remote)} == {
        name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)
    }
