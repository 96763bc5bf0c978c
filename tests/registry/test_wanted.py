"""What pip is asked for: lines that survive an upgrade, and nothing that could be an option."""

from __future__ import annotations

import json
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from c2l.testing import install_package
from c2l_registry.errors import BadReference, C2LError, UnknownReference
from c2l_registry.installers import installing, removing
from c2l_registry.wanted import Wanted, line_of, parse_line, parse_wanted

COMMIT = "a" * 40


@pytest.mark.parametrize(
    "text",
    ["c2l-dcgan", "c2l-dcgan[fast]>=1,<2", "c2l-dcgan==1.0+cu121", "c2l-dcgan; python_version>'3'",
     "c2l-x @ https://example.org/x-1.0-py3-none-any.whl#sha256=" + "0" * 64,
     f"c2l-x @ git+https://example.org/x@{COMMIT}", "c2l-x @ git+ssh://git@example.org/x.git",
     "c2l-x @ file:///srv/x"],
)  # fmt: skip
def test_requirements(text: str) -> None:
    assert parse_wanted(text).target == text
    assert parse_line(f"  {text}  # why\r\n") == parse_wanted(text)


BAD = [
    "", " ", "--index-url=https://evil", "-e .", "-r other.txt", "c2l-x --index-url https://evil",
    "c2l-x --hash=sha256:0", "c2l-x \\", "c2l x", "c2l-x\n--pre", "c2l-x\x00", "c2l-x @ evil.whl",
    "c2l-x @ http://example.org/x.whl", "c2l-x @ svn+ssh://example.org/x", "c2l-x @ -e",
    "c2l-x @ git+ext::sh -c id", "c2l-x @ git+ssh://-oProxyCommand=id/x",
    "c2l-x @ git+ssh://a@-oProxyCommand=id/x", "c2l-x @ git+https://e.org/x@--upload-pack=id",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(C2LError) as caught:
        parse_wanted(text)
    assert caught.value.exit_code == 2
    if text.strip():
        with pytest.raises(BadReference):
            parse_line(text)


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-e").mkdir()
    (tmp_path / "x-1.0-py3-none-any.whl").touch()
    assert parse_wanted("./-e").target == str(tmp_path / "-e")
    assert parse_wanted("./-e[fast]").target == f"{tmp_path / '-e'}[fast]"
    assert parse_wanted("x-1.0-py3-none-any.whl").target == str(tmp_path / "x-1.0-py3-none-any.whl")
    assert parse_wanted("-e", editable=True) == Wanted("", str(tmp_path / "-e"), editable=True)
    for absent in ("./absent", "/absent.whl"):
        with pytest.raises(UnknownReference):
            parse_wanted(absent)


ORIGINS = {
    "c2l-x==1.0": None,
    "c2l-x @ https://example.org/x.whl#sha256=00": {
        "url": "https://me:secret@example.org/x.whl",
        "archive_info": {"hash": "sha256=00"},
    },
    f"c2l-x @ git+https://example.org/x@{COMMIT}": {
        "url": "https://token@example.org/x",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"},
    },
    f"c2l-x @ git+ssh://git@example.org/x@{COMMIT}": {
        "url": "ssh://git@example.org/x",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT},
    },
    "c2l-x @ file:///srv/x": {"url": "file:///srv/x", "dir_info": {}},
    "c2l-x @ file:///srv/x  # editable": {
        "url": "file:///srv/x",
        "dir_info": {"editable": True},
    },
}


@pytest.mark.parametrize("line", ORIGINS)
def test_the_line_of_an_installed_package(tmp_path: Path, line: str) -> None:
    install_package(tmp_path, "c2l-x", {"x": ""})
    info = tmp_path / "c2l_x-1.0.dist-info"
    if ORIGINS[line] is not None:
        (info / "direct_url.json").write_text(json.dumps(ORIGINS[line]))
    assert line_of(Distribution.at(info)) == line


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"url": 3}'])
def test_a_damaged_origin_is_none(tmp_path: Path, damage: str) -> None:
    install_package(tmp_path, "c2l-x", {"x": ""})
    info = tmp_path / "c2l_x-1.0.dist-info"
    (info / "direct_url.json").write_text(damage)
    assert line_of(Distribution.at(info)) == "c2l-x==1.0"


def test_an_editable_line(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    line = f"c2l-x @ {folder.as_uri()}  # editable"
    with pytest.raises(UnknownReference):
        parse_line(line)
    folder.mkdir()
    assert parse_line(line) == Wanted("c2l-x", str(folder), editable=True)
    with pytest.raises(BadReference, match="in a folder"):
        parse_line("c2l-x @ https://example.org/x  # editable")


# -- whose command


def test_a_tool_of_uv_repeats_what_is_beside_it(tmp_path: Path) -> None:
    (tmp_path / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "c2l" }, { name = "c2l-one", specifier = ">=1" },'
        '{ name = "c2l-two", editable = "/srv/two" }, { name = "c2l-x", git = "https://e.org/x" }]'
    )
    command = installing([Wanted("c2l-new", "c2l-new")], tmp_path)
    assert " ".join(command.words) == (
        "uv tool install c2l --with c2l-one>=1 --with-editable /srv/two "
        "--with c2l-x @ git+https://e.org/x --with c2l-new"
    )
    assert "tool of uv" in command.obstacle
    left = " ".join(removing(["c2l-two"], tmp_path).words)
    assert "two" not in left and "--with c2l-one>=1" in left


def test_pipx(tmp_path: Path) -> None:
    prefix = tmp_path / "c2l"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").write_text("{}")
    assert installing([Wanted("c2l-new", "c2l-new")], prefix).words == (
        "pipx", "inject", "c2l", "c2l-new"
    )  # fmt: skip
    assert removing(["c2l-new"], prefix).words == ("pipx", "uninject", "c2l", "c2l-new")


def test_pip_then_uv_then_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util
    import shutil

    wanted = [Wanted("c2l-new", "c2l-new"), Wanted("", "/srv/x", editable=True)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert installing(wanted).words[1:] == (
        "-P", "-m", "pip", "install", "c2l-new", "-e", "/srv/x"
    )  # fmt: skip
    assert removing(["c2l-new"]).words[3:] == ("pip", "uninstall", "--yes", "c2l-new")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/uv")
    assert installing(wanted).words[:4] == ("/bin/uv", "pip", "install", "--python")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    command = installing(wanted)
    assert command.words == () and "no pip" in command.obstacle and "ensurepip" in command.hint


def test_a_python_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import sysconfig

    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert "belongs to the system" in installing([Wanted("c2l-x", "c2l-x")]).obstacle
