"""Downloads from a server that cuts, stalls, lies and changes its mind."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bad_server import BadServer, bad_server
from hypothesis import given, settings
from hypothesis import strategies as st

from c2l_registry import downloads
from c2l_registry.checksums import first_seen
from c2l_registry.downloads import fetch_file, fetch_files
from c2l_registry.errors import NotDownloaded, NotWritable
from c2l_registry.transfers import Patience, origin_of, partial_of
from c2l_registry.weights import WantedFile

DATA = random.Random(1).randbytes(300_000)
OTHER = random.Random(2).randbytes(300_000)
PATIENT = Patience(stall=60, attempts=3, pause=0.01)
IMPATIENT = Patience(stall=0.7, attempts=3, pause=0.01)
"""For servers that fall silent; on a busy machine it may give up where nothing was wrong."""
PAGE = b"<!DOCTYPE html>\n<html><body>Quota exceeded</body></html>" + b" " * 1000


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server() -> Iterator[BadServer]:
    with bad_server() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "net.pkl"


def fetch(file: WantedFile, patience: Patience = PATIENT, **environ: str) -> None:
    fetch_file(file, environ=environ, patience=patience)
    assert not partial_of(file.path).exists() and not origin_of(file.path).exists()


def test_a_whole_file_and_the_hash_first_seen(server: BadServer, place: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    file = WantedFile(place, (server.add("/a", DATA),))
    fetch_file(file, environ={}, report=lambda here, total: heard.append((here, total)))
    assert place.read_bytes() == DATA
    assert first_seen(place) == sha(DATA)
    assert heard[-1] == (len(DATA), len(DATA)) and heard == sorted(heard)
    fetch(file)
    assert server["/a"].asked == [""]
    place.unlink()  # the next time, the file must be the same
    server["/a"].data = OTHER
    with pytest.raises(NotDownloaded, match="as seen when it was first fetched"):
        fetch(file)
    assert not place.exists()


def test_no_record_where_the_card_knows_the_hash(server: BadServer, place: Path) -> None:
    fetch(WantedFile(place, (server.add("/a", DATA),), len(DATA), sha(DATA)))
    assert first_seen(place) == ""


@pytest.mark.parametrize("known", [True, False])
def test_goes_on_after_a_cut(server: BadServer, place: Path, known: bool) -> None:
    url = server.add("/a", DATA, cuts=[100_000, 50_000])
    fetch(WantedFile(place, (url,), *((len(DATA), sha(DATA)) if known else ())))
    assert place.read_bytes() == DATA
    assert server["/a"].asked == ["", "bytes=100000-", "bytes=150000-"]
    assert server["/a"].sent == len(DATA)


@pytest.mark.parametrize("known", [True, False])
def test_goes_on_after_a_silence(server: BadServer, place: Path, known: bool) -> None:
    url = server.add("/a", DATA, stalls=[100_000, 50_000])
    file = WantedFile(place, (url,), *((len(DATA), sha(DATA)) if known else ()))
    fetch(file, replace(IMPATIENT, attempts=8))
    assert place.read_bytes() == DATA
    asked = list(dict.fromkeys(server["/a"].asked))
    assert asked == ["", "bytes=100000-", "bytes=150000-"]


@settings(max_examples=15)
@given(st.lists(st.integers(1, 120_000), max_size=6), st.booleans(), st.booleans())
def test_any_cuts_give_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], ranges: bool, tagged: bool
) -> None:
    place = tmp_path_factory.mktemp("cuts") / "net.pkl"
    with bad_server() as server:
        url = server.add("/a", DATA, cuts=cuts, ranges=ranges, tagged=tagged)
        patience = replace(PATIENT, attempts=8)
        fetch_file(WantedFile(place, (url,)), environ={}, patience=patience)
    assert place.read_bytes() == DATA


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_changes_between_two_ranges(
    server: BadServer, place: Path, honest: bool, known: bool
) -> None:
    url = server.add("/a", DATA, cuts=[100_000], changes_to=OTHER, honest=honest)
    fetch(WantedFile(place, (url,), None, sha(OTHER) if known else ""))
    assert place.read_bytes() == OTHER


def test_a_change_that_only_the_hash_tells(server: BadServer, place: Path) -> None:
    url = server.add("/a", DATA, cuts=[100_000], changes_to=OTHER, tagged=False)
    fetch(WantedFile(place, (url,), len(OTHER), sha(OTHER)))
    assert place.read_bytes() == OTHER
    assert server["/a"].asked == ["", "bytes=100000-", ""]


def test_without_tag_and_hash_nothing_is_patched_together(server: BadServer, place: Path) -> None:
    url = server.add("/a", DATA, cuts=[100_000], changes_to=OTHER, tagged=False)
    fetch(WantedFile(place, (url,)))
    assert place.read_bytes() == OTHER
    assert server["/a"].asked == ["", ""]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"data": PAGE, "kind": "text/html"}, "sends a web page instead of the file"),
        ({"data": PAGE}, "sends a web page instead of the file"),
        ({"data": b'{"requestStatus": {"statusCode": "X"}}'}, "sends a text instead of the file"),
        ({"data": b'<?xml version="1.0"?><Error/>'}, "sends an error message of a server instead"),
        ({"data": b'<?xml version="1.0"?><Other/>'}, "sends a text instead of the file"),
        ({"data": DATA, "kind": "text/html; charset=utf-8"}, "sends a web page"),
        ({"data": b"version https://git-lfs.github.com/spec/v1\n"}, "sends a Git LFS pointer"),
        ({"data": OTHER}, "sends another file: its sha256 is"),
        ({"data": DATA[:-1]}, "offers 299,999 bytes, not 300,000"),
        ({"data": DATA, "length": 200_000}, "offers 200,000 bytes, not 300,000"),
        ({"data": DATA + b"x"}, "offers 300,001 bytes, not 300,000"),
        ({"data": b""}, "offers 0 bytes"),
        ({"status": 404}, "answers 404 Not Found"),
        ({"status": 403}, "answers 403 Forbidden"),
        ({"status": 503}, "answers 503"),
        ({"data": DATA, "stalls": [0] * 9}, "nothing for 0.7 s"),
        ({"data": DATA, "cuts": [0, 0, 0, 0]}, "broke off"),
        ({"redirect": "/a"}, "redirects in a circle"),
        ({"redirect": "ftp://127.0.0.1/a"}, "redirects from http to ftp://127.0.0.1/a"),
        ({"redirect": "file:///etc/passwd"}, "answers 302"),
    ],
)
def test_the_next_address_on_failure(
    server: BadServer, place: Path, behaviour: dict[str, object], reason: str
) -> None:
    bad = server.add("/a", **behaviour)  # type: ignore[arg-type]
    patience = IMPATIENT if "stalls" in behaviour else PATIENT
    with pytest.raises(NotDownloaded) as caught:
        fetch(WantedFile(place, (bad,), len(DATA), sha(DATA)), patience)
    assert reason in str(caught.value) and server.base[7:] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not place.exists()
    server.add("/a", **behaviour)  # type: ignore[arg-type]
    good = server.add("/b", DATA)
    fetch(WantedFile(place, (bad, good), len(DATA), sha(DATA)), patience)
    assert place.read_bytes() == DATA


def test_a_promise_of_more_bytes_than_there_are(server: BadServer, place: Path) -> None:
    bad = server.add("/a", DATA, length=400_000)
    with pytest.raises(NotDownloaded):
        fetch(WantedFile(place, (bad,)))
    assert not place.exists()
    fetch(WantedFile(place, (server.add("/a", DATA, length=400_000),), None, sha(DATA)))
    assert place.read_bytes() == DATA  # the hash says that they are all there


def test_the_next_address_goes_on_where_a_hash_is_known(server: BadServer, place: Path) -> None:
    cut = server.add("/a", DATA, cuts=[200_000, 0, 0, 0, 0, 0])
    good = server.add("/b", DATA)
    fetch(WantedFile(place, (cut, good), None, sha(DATA)))
    assert server["/b"].asked == ["bytes=200000-"]
    assert place.read_bytes() == DATA


def test_redirects(server: BadServer, place: Path) -> None:
    server.add("/there", DATA, cuts=[100_000])
    fetch(WantedFile(place, (server.add("/a", redirect="/there"),)))
    assert place.read_bytes() == DATA
    assert server["/there"].asked == ["", "bytes=100000-"]


def test_a_server_that_is_not_there(place: Path) -> None:
    with pytest.raises(NotDownloaded, match=r"127\.0\.0\.1:9 cannot be reached.*Check the network"):
        fetch(WantedFile(place, ("http://127.0.0.1:9/a",)))


def test_offline(server: BadServer, place: Path) -> None:
    file = WantedFile(place, (server.add("/a", DATA),))
    with pytest.raises(NotDownloaded, match=r"network is switched off.*Unset C2L_OFFLINE"):
        fetch(file, C2L_OFFLINE="1")
    assert server["/a"].asked == []
    fetch(file, C2L_OFFLINE="0")
    fetch(file, C2L_OFFLINE="1")


def test_several_at_once_and_one_that_fails(server: BadServer, tmp_path: Path) -> None:
    gate = threading.Barrier(4)  # nobody gets a byte before all four have asked
    urls = [server.add(f"/{n}", bytes([n]) * 200_000, gate=gate) for n in range(1, 5)]
    files = [WantedFile(tmp_path / f"{n}.bin", (url,)) for n, url in enumerate(urls)]
    gone = WantedFile(tmp_path / "gone.bin", (server.base + "/gone",))
    with pytest.raises(NotDownloaded, match=r"gone\.bin cannot be fetched: .* answers 404"):
        fetch_files([gone, *files], environ={}, patience=PATIENT)
    assert [file.path.stat().st_size for file in files] == [200_000] * 4


def test_a_full_disk_is_said_before(
    server: BadServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.add("/a", DATA)
    usage = shutil.disk_usage(place.parents[1])
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(NotWritable, match=r"needs 300,000 more bytes.*has 1,000"):
        fetch(WantedFile(place, (url,), len(DATA), sha(DATA)))
    assert server["/a"].asked == []


PROGRAM = """
import sys, resource
from pathlib import Path
from c2l_registry.downloads import fetch_files
from c2l_registry.errors import C2LError
from c2l_registry.weights import WantedFile
path, url, size, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    fetch_files([WantedFile(Path(path), (url,), int(size) or None)], environ={})
except C2LError as error:
    print(type(error).__name__, error)
"""


def spawn(place: Path, url: str, *, size: int = 0, limit: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(place), url, str(size), str(limit)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def wait_for(condition: object) -> None:
    end = time.monotonic() + 120
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")
def test_a_disk_that_fills_up_leaves_the_cache_usable(server: BadServer, place: Path) -> None:
    url = server.add("/a", DATA)
    full = spawn(place, url, limit=100_000)
    out, err = full.communicate(timeout=300)
    assert out.startswith("NotWritable cannot write ") and out.count("\n") == 1 and not err
    assert not place.exists()
    fetch(WantedFile(place, (url,)))
    assert place.read_bytes() == DATA
    assert server["/a"].asked == ["", "bytes=100000-"]


def test_killed_in_the_middle_and_again(server: BadServer, place: Path) -> None:
    data = DATA * 4
    url = server.add("/a", data, stalls=[600_000])  # waits there to be killed
    first = spawn(place, url)
    wait_for(lambda: partial_of(place).exists() and partial_of(place).stat().st_size > 100_000)
    first.kill()
    first.wait()
    assert not place.exists()
    fetch(WantedFile(place, (url,)))
    assert place.read_bytes() == data
    assert server["/a"].asked[-1].startswith("bytes=")


def test_two_processes_share_one_download(server: BadServer, place: Path) -> None:
    data = DATA * 4
    url = server.add("/a", data, pause=0.1)
    both = [spawn(place, url), spawn(place, url)]
    assert [process.communicate(timeout=300) for process in both] == [("", ""), ("", "")]
    assert place.read_bytes() == data
    assert server["/a"].asked == [""]


def test_threads_share_one_download(server: BadServer, place: Path) -> None:
    file = WantedFile(place, (server.add("/a", DATA, pause=0.05),))
    threads = [threading.Thread(target=fetch, args=(file,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.read_bytes() == DATA and server["/a"].asked == [""]
