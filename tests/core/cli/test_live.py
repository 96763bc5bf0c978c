"""``c2l live`` as a user types it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from c2l.cli.app import main
from c2l.errors import ExitCode


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fps", "0"], "--fps 0 is not above 0 and up to 120. Use --fps 30"),
        (["--fps", "nan"], "--fps nan"),
        (["--glide", "-1"], "--glide -1.0 is below 0. Give seconds from 0 to 60"),
        (["--walk", "99"], "is above 10. Give seeds a second"),
        (["--seed", "-1"], "--seed -1.0 is below 0"),
        (["--direction", "smile"], "'smile' is not a named direction. Write --direction"),
        (["--direction", "a=x -> y", "--direction", "a=b"], "two directions are called 'a'"),
        (["--host", "0.0.0.0"], "clients need a token"),
        (["--osc-port", "99999"], "cannot listen to OSC on 127.0.0.1 port 99999"),
        ([" "], "prompt"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_loaded(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "--port", "0", *words]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["live", "--port", str(port)]) == ExitCode.USAGE
    assert f"port {port}" in capsys.readouterr().err
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert main(["live", "--port", "0", "--osc-port", str(port)]) == ExitCode.USAGE
    assert f"OSC on 127.0.0.1 port {port}" in capsys.readouterr().err


@pytest.mark.timeout(240)
def test_it_shows_until_it_is_told_to_end() -> None:
    words = ["live", "a man", "--device", "cpu", "--port", "0", "--osc-port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "c2l", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        shown, listening = process.stderr.readline(), process.stderr.readline()
        found = re.match(r"showing (http://127\.0\.0\.1:\d+)/ and \1/stream\.mjpg\n", shown)
        assert found and re.match(r"listening to OSC on 127\.0\.0\.1 port \d+: ", listening)
        # A viewer who would watch for ever keeps nobody from ending.
        with urllib.request.urlopen(f"{found[1]}/stream.mjpg") as stream:
            assert stream.readline() == b"--frame\r\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert process.stderr.read() == ""
