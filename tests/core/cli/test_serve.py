"""``c2l serve``: what it refuses in one line, and how it begins and ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from c2l.cli.app import main
from c2l.errors import ExitCode

TOKEN = "correct horse battery"


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """The line in which it refuses; the exit code is that of wrong input."""
    assert main(["serve", *words]) == ExitCode.USAGE
    (line,) = capfd.readouterr().err.splitlines()
    return line


def test_others_need_a_token(capfd: pytest.CaptureFixture[str]) -> None:
    for host in ("0.0.0.0", "::", "10.0.0.7", "example.org"):
        line = refused(capfd, "--host", host)
        assert "clients need a token" in line and "--token-file" in line


@pytest.mark.parametrize("token", ["", "short", "with\nline break", "ünïcödé-token"])
def test_weak_tokens(capfd: pytest.CaptureFixture[str], token: str) -> None:
    line = refused(capfd, "--token", token)
    assert "too weak" in line and (token == "" or token not in line)


def test_a_token_comes_from_one_place(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    assert "Give one" in refused(capfd, "--token", TOKEN, "--token-file", str(file))
    assert main(["serve", "--token-file", str(tmp_path / "no")]) == ExitCode.FAILED


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "70000"),
        ("--port", "-1"),
        ("--batch", "0"),
        ("--seconds", "nan"),
        ("--idle", "-1"),
        ("--host", "256.1.1.1", "--token", TOKEN),
        ("--origin", "example.org"),
        ("--origin", "https://user@example.org"),
        ("--origin", "https://example.org/path"),
    ],
)
def test_values_out_of_range(capfd: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert words[0] in refused(capfd, *words)


def test_a_port_that_is_taken(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(capfd, "--port", str(port))
    assert f"port {port}" in line and "--port 0" in line


def test_recipes_that_are_not_here(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", "-r", "faces"]) == ExitCode.OFFLINE
    assert "c2l recipes pull faces" in capfd.readouterr().err
    assert main(["serve", "--port", "0", "-r", "../faces"]) == ExitCode.NOT_FOUND


def test_without_the_extra(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2l.web.starting.find_spec", lambda name: None)
    assert main(["serve"]) == ExitCode.MISSING_DEPENDENCY
    assert "pip install 'c2l[serve]'" in capfd.readouterr().err


def test_from_its_address_to_sigterm() -> None:
    command = [sys.executable, "-m", "c2l", "serve", "--port", "0", "-r", "demo-faces"]
    environ = {**os.environ, "C2L_TOKEN": TOKEN, "PYTHONPROFILEIMPORTTIME": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        lines = []
        while not lines or lines[-1].startswith("import time:"):
            lines.append(process.stderr.readline())
        (address,) = re.findall(r"^serving on (http://127\.0\.0\.1:\d+)$", lines[-1])
        assert httpx2.get(f"{address}/readyz").status_code == 200
        assert httpx2.get(f"{address}/metrics").status_code == 401
        process.send_signal(signal.SIGTERM)
        lines += process.stderr.readlines()
    assert process.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time")}
    said = "".join(line for line in lines if not line.startswith("import time"))
    assert TOKEN not in said and "Traceback" not in said
    assert " GET /metrics 401 " in said
    # What is ready has loaded its recipe, without what takes longer than that.
    assert "torch" in imported and "c2l_openclip.towers" in imported
    assert not {"open_clip", "torchvision", "timm", "torch._dynamo"} & imported
