"""Folders and files that this user may not read, and paths that nobody can.

Tests may run as root, whom permissions do not bind; so the system calls are made to refuse.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import ModelCard, Registry
from c2l_registry.checksums import record, record_of
from c2l_registry.consent import accept, consent_file, is_accepted
from c2l_registry.downloads import fetch_files
from c2l_registry.errors import (
    BadPath,
    BadReference,
    C2LError,
    NotDownloaded,
    NotReadable,
    NotWritable,
    UnknownReference,
)
from c2l_registry.paths import check_given, expand_path
from c2l_registry.removal import remove_files
from c2l_registry.verification import verify_files
from c2l_registry.weights import home_folder, wanted_files

GROUP = "c2l.plugins_of_a_test"
CARD = """
[[model]]
reference = "gan:distant"
summary = "Elsewhere"
licence = "MIT"
urls = ["http://127.0.0.1:9/net.bin"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def registry(tmp_path: Path, home: Path) -> Iterator[Registry]:
    with on_path(tmp_path / "site") as site:
        plugins = {"gan": plugin_source("gan", cards="cards.toml")}
        install_package(site, "c2l-of-a-test", plugins, group=GROUP, files={"cards.toml": CARD})
        yield Registry(hookspecs, group=GROUP, environ={"C2L_HOME": str(home)})


@pytest.fixture
def card(registry: Registry) -> ModelCard:
    return registry.cards()["gan:distant"]


Bar = Callable[[Path], None]


@pytest.fixture
def bar(monkeypatch: pytest.MonkeyPatch) -> Bar:
    """Let the system refuse everything below a folder, as where another user owns it."""

    def bar(folder: Path) -> None:
        def refuse(path: object) -> None:
            if folder in Path(os.fsdecode(path)).parents:  # type: ignore[arg-type]
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        def guarded(call: Callable[..., object]) -> Callable[..., object]:
            def guard(path: object, *args: object, **kwargs: object) -> object:
                if not isinstance(path, int):
                    refuse(path)
                return call(path, *args, **kwargs)

            return guard

        real_access = os.access
        monkeypatch.setattr("os.access", lambda p, mode: Path(p) != folder and real_access(p, mode))
        for name in ("stat", "lstat", "open", "mkdir", "unlink", "scandir", "listdir"):
            monkeypatch.setattr(f"os.{name}", guarded(getattr(os, name)))
        monkeypatch.setattr("io.open", guarded(open))
        monkeypatch.setattr("pathlib.Path.stat", lambda p, **k: os.stat(p, **k))

    return bar


USES = ("list", "show", "look up", "load", "fetch", "verify", "remove", "accepted")


def uses(registry: Registry, card: ModelCard) -> dict[str, Callable[[], object]]:
    """All that looks into the weights folder."""
    environ = registry.environ
    return {
        "list": registry.models,
        "show": lambda: registry.entry("gan:distant"),
        "look up": lambda: registry.lookup("gan:distant"),
        "load": lambda: registry.resolve("gan:distant", "generator"),
        "fetch": lambda: fetch_files(wanted_files(card, environ), environ=environ),
        "verify": lambda: verify_files(card, environ),
        "remove": lambda: remove_files(card, environ),
        "accepted": lambda: is_accepted("gan:distant", "MIT", environ),
    }


@pytest.mark.parametrize("barred", ["home", "home/weights", "home/weights/gan"])
@pytest.mark.parametrize("what", USES)
def test_a_folder_of_another_user_is_named_with_the_way_out(
    registry: Registry, card: ModelCard, tmp_path: Path, bar: Bar, barred: str, what: str
) -> None:
    (tmp_path / "home" / "weights" / "gan" / "distant").mkdir(parents=True)
    bar(tmp_path / barred)
    with pytest.raises(NotReadable) as caught:
        uses(registry, card)[what]()
    assert caught.value.message == f"cannot read {tmp_path / barred}: Permission denied"
    assert caught.value.hint == "Set C2L_HOME to a folder of your own"


@pytest.mark.parametrize("what", USES)
def test_a_file_where_a_folder_belongs(
    registry: Registry, card: ModelCard, home: Path, what: str
) -> None:
    shutil.rmtree(home)  # where the plugin is remembered
    home.write_text("not a folder")
    with pytest.raises(NotReadable) as caught:
        uses(registry, card)[what]()
    assert caught.value.message == f"cannot read {home}: it is a file, not a folder"


def test_what_needs_no_weights_needs_no_folder(
    registry: Registry, home: Path, bar: Bar, card: ModelCard
) -> None:
    home.mkdir(exist_ok=True)
    bar(home)
    assert registry.problems(cards=True) == []
    assert registry.cards() == {"gan:distant": card}
    assert registry.card_of_file("0" * 64) is None
    assert registry.resolve("gan:" + str(Path(__file__)), "generator")[1].path == Path(__file__)


def test_a_folder_that_may_be_read_but_not_written(
    registry: Registry, card: ModelCard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(exist_ok=True)

    def refuse(path: object, *args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("os.mkdir", refuse)
    for write in (
        lambda: accept("gan:distant", "MIT", "", registry.environ),
        lambda: fetch_files(wanted_files(card, registry.environ), environ=registry.environ),
    ):
        with pytest.raises(NotWritable, match=f"cannot write {home}") as caught:
            write()
        assert "C2L_HOME" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"MIT"'])
def test_a_damaged_answer_is_asked_for_again(
    registry: Registry, home: Path, content: bytes
) -> None:
    path = consent_file("gan:distant", registry.environ)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert not is_accepted("gan:distant", "MIT", registry.environ)
    accept("gan:distant", "MIT", "", registry.environ)
    assert is_accepted("gan:distant", "MIT", registry.environ)
    assert json.loads(path.read_text(encoding="utf-8"))["reference"] == "gan:distant"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_files_that_may_not_be_read(
    registry: Registry, card: ModelCard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (wanted,) = wanted_files(card, registry.environ)
    wanted.path.parent.mkdir(parents=True)
    wanted.path.write_bytes(b"weights")
    record(wanted.path, "0" * 64)
    accept("gan:distant", "MIT", "", registry.environ)
    barred = {wanted.path, record_of(wanted.path), consent_file("gan:distant", registry.environ)}
    real_open, real_access = Path.open, os.access

    def refuse(path: Path, *args: object, **kwargs: object) -> object:
        if path in barred:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real_open(path, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("os.access", lambda p, m: Path(p) not in barred and real_access(p, m))
    for use, place in (
        (lambda: registry.resolve("gan:distant", "generator"), wanted.path),
        (lambda: verify_files(card, registry.environ), record_of(wanted.path)),
        (
            lambda: is_accepted("gan:distant", "MIT", registry.environ),
            consent_file("gan:distant", registry.environ),
        ),
    ):
        with pytest.raises(NotReadable) as caught:
            use()
        assert caught.value.message == f"cannot read {place}: Permission denied"
    barred.remove(record_of(wanted.path))
    with pytest.raises(NotReadable, match=r"cannot read .*net\.bin: Permission denied"):
        verify_files(card, registry.environ)


def test_another_c2l_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_folder({"C2L_HOME": "cache"}) == tmp_path / "cache"
    with pytest.raises(BadPath, match="C2L_HOME: ~nosuchuser is not a home folder") as caught:
        home_folder({"C2L_HOME": "~nosuchuser/c2l"})
    assert caught.value.hint == "Set C2L_HOME to a folder of your own"
    with pytest.raises(BadPath, match=r"C2L_HOME: .*not valid UTF-8"):
        home_folder({"C2L_HOME": "/home/\udcff"})
    # A user id without a home folder, as containers make them up.
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache/c2l"))
    with pytest.raises(NotReadable, match="no home folder"):
        home_folder({})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("~nosuchuser/x.pkl", "~nosuchuser is not a home folder on this machine"),
        ("./x\0.pkl", "contains a null character"),
        ("./\udcff.pkl", "is not valid UTF-8"),
    ],
)
def test_paths_that_name_nothing(text: str, said: str) -> None:
    with pytest.raises(BadPath, match=said):
        expand_path(text)


@pytest.mark.parametrize(
    "name", ["~nosuchuser/x.pkl", "./x\0.pkl", "./\udcff.pkl", "./" + "x" * 5000, "/" + "y/" * 4000]
)
@pytest.mark.parametrize("kind", ["gan:", ""])
def test_references_to_them_are_one_clear_line(registry: Registry, kind: str, name: str) -> None:
    with pytest.raises(C2LError) as caught:
        if kind:
            registry.resolve(f"{kind}{name}", "generator")
        else:
            check_given(registry.parse(name).path)
    assert not isinstance(caught.value, NotDownloaded)
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()
    assert caught.value.hint


def test_paths_are_no_names(registry: Registry) -> None:
    for text in ("./x", "gan:./x", "gan:~nosuchuser/x"):
        with pytest.raises(BadReference, match="is a path, not a name in the catalogue"):
            registry.entry(text)
    with pytest.raises(BadReference) as caught:
        registry.resolve("gan:./\udcff.pkl", "generator")
    assert caught.value.hint == "Rename the file"


def test_long_words_are_no_files(registry: Registry) -> None:
    for text in ("x" * 5000, "gan:" + "x" * 5000):
        with pytest.raises(C2LError):
            registry.resolve(text, "generator")
    with pytest.raises(UnknownReference):
        registry.recipe("x" * 5000)


def test_a_pipe_is_not_opened_to_see_whether_it_may_be_read(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    os.mkfifo(tmp_path / "pipe")
    assert stat.S_ISFIFO(check_given(tmp_path / "pipe").stat().st_mode)
